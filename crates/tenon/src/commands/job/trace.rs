//! `tenon job trace`

use crate::cli::TraceArgs;
use crate::client::path;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{self, Detail, TraceView};

/// Columns where there is no terminal.
const WIDTH: usize = 120;

pub(super) async fn run(args: &TraceArgs, context: Context<'_>) -> Result<(), Failure> {
    let trace = context.client.get(path(&["api", "v1", "jobs", &args.job, "trace"])).await?;
    let detail = if args.full { Detail::Whole } else { Detail::Cut };
    context.output.value(&trace, |output| {
        let width = output.width.unwrap_or(WIDTH);
        output::trace(&trace, TraceView { paint: output.paint, width, detail })
    })
}
