//! The standard error types of the language and their aliases.

/// A standard error type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// 400.
    Configuration,
    /// 400.
    Validation,
    /// 400.
    Expression,
    /// 401.
    Authentication,
    /// 403.
    Authorization,
    /// 408.
    Timeout,
    /// 500.
    Communication,
    /// 500.
    Runtime,
}

// === impl ErrorType ===

impl ErrorType {
    /// `https://open-workflow-specification.org/spec/1.0.0/errors/<name>`.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Configuration => "https://open-workflow-specification.org/spec/1.0.0/errors/configuration",
            Self::Validation => "https://open-workflow-specification.org/spec/1.0.0/errors/validation",
            Self::Expression => "https://open-workflow-specification.org/spec/1.0.0/errors/expression",
            Self::Authentication => {
                "https://open-workflow-specification.org/spec/1.0.0/errors/authentication"
            }
            Self::Authorization => "https://open-workflow-specification.org/spec/1.0.0/errors/authorization",
            Self::Timeout => "https://open-workflow-specification.org/spec/1.0.0/errors/timeout",
            Self::Communication => "https://open-workflow-specification.org/spec/1.0.0/errors/communication",
            Self::Runtime => "https://open-workflow-specification.org/spec/1.0.0/errors/runtime",
        }
    }

    /// The HTTP status that the specification gives it.
    pub fn status(self) -> u16 {
        match self {
            Self::Configuration | Self::Validation | Self::Expression => 400,
            Self::Authentication => 401,
            Self::Authorization => 403,
            Self::Timeout => 408,
            Self::Communication | Self::Runtime => 500,
        }
    }

    /// A short title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration Error",
            Self::Validation => "Validation Error",
            Self::Expression => "Expression Error",
            Self::Authentication => "Authentication Error",
            Self::Authorization => "Authorization Error",
            Self::Timeout => "Timeout Error",
            Self::Communication => "Communication Error",
            Self::Runtime => "Runtime Error",
        }
    }
}

const STANDARD: &str = "https://open-workflow-specification.org/spec/1.0.0/errors/";
const ALIASES: [&str; 2] = [
    "https://serverlessworkflow.io/spec/1.0.0/errors/",
    "https://open-workflow-specification.org/dsl/errors/types/",
];
const NAMES: [&str; 8] = [
    "configuration",
    "validation",
    "expression",
    "authentication",
    "authorization",
    "timeout",
    "communication",
    "runtime",
];

/// Whether two type URIs mean the same error (rule 16: aliases count for the standard names only).
pub fn same_error_type(a: &str, b: &str) -> bool {
    canonical(a) == canonical(b)
}

fn canonical(uri: &str) -> (&str, &str) {
    for prefix in std::iter::once(STANDARD).chain(ALIASES) {
        if let Some(name) = uri.strip_prefix(prefix)
            && NAMES.contains(&name)
        {
            return (STANDARD, name);
        }
    }
    ("", uri)
}

/// The standard type that a URI means; and whether this is its URI, not an alias.
pub(crate) fn standard_error_type(uri: &str) -> Option<(ErrorType, bool)> {
    let (STANDARD, name) = canonical(uri) else { return None };
    error_type_called(name).map(|standard| (standard, standard.uri() == uri))
}

/// The standard type that is called so, as the last part of its URI.
pub(crate) fn error_type_called(name: &str) -> Option<ErrorType> {
    STANDARD_TYPES.into_iter().find(|standard| standard.uri().strip_prefix(STANDARD) == Some(name))
}

const STANDARD_TYPES: [ErrorType; 8] = [
    ErrorType::Configuration,
    ErrorType::Validation,
    ErrorType::Expression,
    ErrorType::Authentication,
    ErrorType::Authorization,
    ErrorType::Timeout,
    ErrorType::Communication,
    ErrorType::Runtime,
];
