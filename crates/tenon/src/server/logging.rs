//! The log: to stderr, as text or JSON.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, UpSettings};
use crate::start_error::StartError;

/// Starts to log. A filter that cannot be read is refused.
pub(super) fn start(settings: &UpSettings) -> Result<(), StartError> {
    let filter = EnvFilter::builder()
        .parse(&*settings.log_filter)
        .map_err(|error| StartError::Failed { reason: format!("log.filter: {error}") })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format.value {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    started.map_err(|error| StartError::Failed { reason: format!("cannot start the log: {error}") })
}
