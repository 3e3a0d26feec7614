//! Kinds of values a setting can have: how they are written, read and shown.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tenon_outbound::{HostRate, Network};

/// A kind of value.
pub(crate) trait Value: Sized {
    /// One word for the documentation.
    const SHAPE: &'static str;
    /// Only from the environment, and never shown.
    const SECRET: bool = false;

    /// What `text` means; the error continues "`text` …".
    fn parse(text: &str) -> Result<Self, String>;

    /// As a person would write it.
    fn shown(&self) -> String;
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

/// A value that must not be printed; `Debug` hides it as well.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

/// Which runtimes a process carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Roles {
    /// Everything in one process.
    All,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Whether outbound calls may reach loopback and private addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrivateAddresses {
    /// Only while Tenon itself listens on loopback.
    Auto,
    Allow,
    Refuse,
}

/// An allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Networks(pub(crate) Vec<Network>);

/// Names that outbound calls find elsewhere: host, port, address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolutions(pub(crate) Vec<(String, u16, SocketAddr)>);

/// How fast hosts are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostRates(pub(crate) Vec<HostRate>);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

// === impl Value ===

impl Value for String {
    const SHAPE: &'static str = "text";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn shown(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    const SHAPE: &'static str = "path";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("is no path".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl Value for SocketAddr {
    const SHAPE: &'static str = "address:port";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.replace("localhost:", "127.0.0.1:");
        text.parse().map_err(|_| "is no address with port, such as 127.0.0.1:7070".to_owned())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for bool {
    const SHAPE: &'static str = "true|false";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("is neither true nor false".to_owned()),
        }
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    const SHAPE: &'static str = "number";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "is no whole number from 0".to_owned())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for usize {
    const SHAPE: &'static str = "number";

    fn parse(text: &str) -> Result<Self, String> {
        let number = text.parse().map_err(|_| "is no whole number from 1".to_owned())?;
        if number == 0 { Err("is no whole number from 1".to_owned()) } else { Ok(number) }
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

const SIZE_UNITS: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
    ("B", 1),
];

impl Value for Bytes {
    const SHAPE: &'static str = "bytes";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = SIZE_UNITS
            .iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), *unit)))
            .unwrap_or((text, 1));
        let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        size.map(Self).ok_or_else(|| "is no size, such as 1MiB or 1048576".to_owned())
    }

    fn shown(&self) -> String {
        SIZE_UNITS
            .iter()
            .take(3)
            .find(|(_, unit)| self.0 >= *unit && self.0.is_multiple_of(*unit))
            .map_or_else(|| self.0.to_string(), |(name, unit)| format!("{}{name}", self.0 / unit))
    }
}

impl Value for Duration {
    const SHAPE: &'static str = "duration";

    fn parse(text: &str) -> Result<Self, String> {
        let parsed = text
            .parse::<jiff::Span>()
            .ok()
            .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok())
            .and_then(|duration| Self::try_from(duration).ok());
        parsed.ok_or_else(|| "is no duration, such as 10s, 5m or PT1H".to_owned())
    }

    fn shown(&self) -> String {
        const UNITS: &[(u64, &str)] = &[(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
        let seconds = self.as_secs();
        if self.subsec_millis() > 0 || seconds == 0 {
            return format!("{}ms", self.as_millis());
        }
        let (unit, name) =
            UNITS.iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).expect("one divides every number");
        format!("{}{name}", seconds / unit)
    }
}

impl Value for Roles {
    const SHAPE: &'static str = "all";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            _ => Err("is no role of this version, which has only `all`".to_owned()),
        }
    }

    fn shown(&self) -> String {
        "all".to_owned()
    }
}

impl Value for LogFormat {
    const SHAPE: &'static str = "text|json";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("is not one of text, json".to_owned()),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

impl Value for PrivateAddresses {
    const SHAPE: &'static str = "auto|allow|refuse";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "allow" => Ok(Self::Allow),
            "refuse" => Ok(Self::Refuse),
            _ => Err("is not one of auto, allow, refuse".to_owned()),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Allow => "allow".to_owned(),
            Self::Refuse => "refuse".to_owned(),
        }
    }
}

impl Value for Networks {
    const SHAPE: &'static str = "networks";

    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let networks: Result<_, _> = parts.map(str::parse::<Network>).collect();
        networks.map(Self).map_err(|error| format!("is no list of networks: {error}"))
    }

    fn shown(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

impl Value for Resolutions {
    const SHAPE: &'static str = "host:port=address:port";

    fn parse(text: &str) -> Result<Self, String> {
        let one = |part: &str| {
            let (name, to) = part.split_once('=')?;
            let (host, port) = name.trim().rsplit_once(':')?;
            let has_host = !host.is_empty() && !host.contains(['/', '@']);
            let (port, to) = (port.parse().ok()?, to.trim().parse().ok()?);
            has_host.then(|| (host.to_owned(), port, to))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let all: Option<Vec<_>> = parts.map(one).collect();
        all.map(Self).ok_or_else(|| {
            "is no list of names and where they lead, such as api.example.com:443=127.0.0.1:8443".to_owned()
        })
    }

    fn shown(&self) -> String {
        let one = |(host, port, to): &(String, u16, SocketAddr)| format!("{host}:{port}={to}");
        self.0.iter().map(one).collect::<Vec<_>>().join(",")
    }
}

impl Value for HostRates {
    const SHAPE: &'static str = "host=number/s|m|h";

    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let rates: Result<_, _> = parts.map(str::parse::<HostRate>).collect();
        rates.map(Self).map_err(|error| format!("is no list of rates: {error}"))
    }

    fn shown(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

impl Value for Option<PathBuf> {
    const SHAPE: &'static str = "path";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Some(text).filter(|text| !text.is_empty()).map(PathBuf::from))
    }

    fn shown(&self) -> String {
        self.as_ref().map_or_else(String::new, |path| path.display().to_string())
    }
}

impl Value for Option<Duration> {
    const SHAPE: &'static str = "duration";

    fn parse(text: &str) -> Result<Self, String> {
        Some(text).filter(|text| !text.is_empty()).map(Value::parse).transpose()
    }

    fn shown(&self) -> String {
        self.as_ref().map_or_else(String::new, Value::shown)
    }
}

impl Value for Option<Secret> {
    const SHAPE: &'static str = "secret";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Some(text).filter(|text| !text.is_empty()).map(|text| Secret(text.to_owned())))
    }

    fn shown(&self) -> String {
        self.as_ref().map_or_else(String::new, |_| "<secret>".to_owned())
    }
}
