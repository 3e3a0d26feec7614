//! `tenon up`: resolves the configuration and hands over to the server.

use super::Session;
use crate::config::{self, UpArgs, UpSettings};
use crate::failure::Failure;
use crate::server;

pub(super) async fn run(mut args: UpArgs, session: Session<'_>) -> Result<(), Failure> {
    args.or_data(session.globals.data_dir.as_ref());
    let settings = UpSettings::resolve(&args, session.environment)?;
    if args.print_config {
        let shown = settings.shown();
        return session.output.value(&config::json(&shown), |_| config::table(&shown));
    }
    Ok(Box::pin(server::up(settings)).await?)
}
