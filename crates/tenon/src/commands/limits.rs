//! `tenon limits`: each limit, what it is used for now, and what waits for it.

use serde_json::Value;

use super::Context;
use crate::failure::Failure;
use crate::output::{plain, table};

pub(super) async fn run(context: Context<'_>) -> Result<(), Failure> {
    let body = context.client.get("/api/v1/limits").await?;
    let items = body["items"].as_array().map_or(&[][..], Vec::as_slice);
    let rows = items.iter().map(row).collect();
    context.output.value(&body, |_| table(&["LIMIT", "OF", "MOST", "USED", "WAITING", "SETTING"], rows))?;
    let refusing = items.iter().find(|item| item["refusing"] == Value::Bool(true));
    if let Some(seconds) = refusing.map(|item| plain(&item["retryAfter"])) {
        context.output.warning(&format!(
            "the backlog is at its bound: new requests are answered with 429 and told to come again in {seconds} s"
        ));
    }
    Ok(())
}

fn row(item: &Value) -> Vec<String> {
    let unit = plain(&item["unit"]);
    let most = match (&item["limit"], item["perSeconds"].as_f64()) {
        (Value::Null, _) => "-".to_owned(),
        (limit, None) => format!("{} {unit}", plain(limit)),
        (limit, Some(seconds)) => format!("{} {unit} in {seconds} s", plain(limit)),
    };
    vec![
        plain(&item["kind"]),
        plain(&item["name"]),
        most,
        plain(&item["used"]),
        plain(&item["waiting"]),
        plain(&item["setting"]),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(item: &Value, expected: &[&str]) {
        assert_eq!(row(item), expected);
    }

    #[test]
    fn a_limit_is_a_line() {
        check(
            &json!({
                "kind": "workflowRate", "name": "shop/orders", "unit": "starts", "limit": 100, "perSeconds": 1.0,
                "used": 40, "waiting": 7, "setting": "metadata.tenon.rateLimit",
            }),
            &["workflowRate", "shop/orders", "100 starts in 1 s", "40", "7", "metadata.tenon.rateLimit"],
        );
        check(
            &json!({ "kind": "workspaceConcurrency", "unit": "jobs", "limit": null, "used": 0, "waiting": 0 }),
            &["workspaceConcurrency", "-", "-", "0", "0", "-"],
        );
    }
}
