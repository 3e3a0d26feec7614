//! Colours. Meaning never depends on them: every coloured sign stands beside its word.

/// A colour by what it is for, not by where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shade {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    enabled: bool,
}

impl Paint {
    pub(crate) const fn new(enabled: bool) -> Self {
        Self { enabled }
    }

    /// `text` in that shade, or as it is.
    pub(crate) fn apply(self, shade: Shade, text: &str) -> String {
        if !self.enabled || text.is_empty() {
            return text.to_owned();
        }
        let code = match shade {
            Shade::Bold => 1,
            Shade::Dim => 2,
            Shade::Red => 31,
            Shade::Green => 32,
            Shade::Yellow => 33,
            Shade::Cyan => 36,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// The sign and shade of a job's or step's state.
pub(crate) fn state(state: &str) -> (&'static str, Shade) {
    match state {
        "completed" => ("✓", Shade::Green),
        "faulted" => ("✗", Shade::Red),
        "cancelled" => ("⊘", Shade::Yellow),
        "suspended" => ("‖", Shade::Yellow),
        "running" => ("●", Shade::Cyan),
        "waiting" => ("◷", Shade::Cyan),
        "skipped" => ("↷", Shade::Dim),
        _ => ("·", Shade::Dim),
    }
}
