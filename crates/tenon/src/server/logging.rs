//! The log: to stderr, as text or JSON.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, UpSettings};
use crate::start_error::StartError;

/// Libraries through which calls go. What they say in detail, such as every address, may come from a secret: it is
/// logged only where the filter names them.
const CAREFUL: [&str; 5] = ["h2", "hyper_util", "rustls", "tonic", "tower"];

/// Starts to log. A filter that cannot be read is refused.
pub(super) fn start(settings: &UpSettings) -> Result<(), StartError> {
    let refused =
        |error: &dyn std::fmt::Display| StartError::Failed { reason: format!("log.filter: {error}") };
    let given = &*settings.log_filter;
    let mut filter = EnvFilter::builder().parse(given).map_err(|error| refused(&error))?;
    let is_named = |library: &str| given.split(',').any(|part| part.trim().starts_with(library));
    for library in CAREFUL.into_iter().filter(|library| !is_named(library)) {
        let directive = format!("{library}=warn").parse().map_err(|error| refused(&error))?;
        filter = filter.add_directive(directive);
    }
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format.value {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    started.map_err(|error| StartError::Failed { reason: format!("cannot start the log: {error}") })
}
