//! `tenon workflow schema`: the JSON Schema of workflow documents, for editors.

use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(output: &mut Output) -> Result<(), Failure> {
    let schema = tenon_workflow::json_schema();
    output.value(&schema, |_| format!("{schema:#}"))
}
