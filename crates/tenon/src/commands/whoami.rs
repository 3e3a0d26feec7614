//! `tenon whoami`: which server, key and workspace, from where, and whether the server takes the key.

use serde_json::json;

use super::Context;
use crate::failure::Failure;
use crate::output::table;

pub(super) async fn run(context: Context<'_>) -> Result<(), Failure> {
    let checked = context.client.get("/api/v1/workspaces").await;
    let settings = context.client.settings();
    let rows = settings.shown();
    let items =
        rows.iter().map(|[what, value, from]| json!({ "setting": what, "value": value, "from": from }));
    let value = json!({ "settings": items.collect::<Vec<_>>(), "accepted": checked.is_ok() });
    context.output.value(&value, |_| {
        table(&["SETTING", "VALUE", "FROM"], rows.iter().map(|row| row.to_vec()).collect())
    })?;
    checked?;
    context.output.note("the server takes this key");
    Ok(())
}
