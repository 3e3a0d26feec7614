//! What takes the room on the server's disk, for people.

use serde_json::Value;

use crate::output::{plain, table};
use crate::time;

/// Paragraphs with an empty line before each; nothing if the server did not say.
pub(super) fn lines(disk: &Value) -> Vec<String> {
    if !disk.is_object() {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        "what the server's disk holds (`~`: estimated):".to_owned(),
        table(&["WHAT", "HOW MANY", "SIZE"], parts(disk)),
    ];
    let workflows = workflows(disk);
    if !workflows.is_empty() {
        lines.push(String::new());
        lines.push("workflows with the most kept jobs:".to_owned());
        lines.push(table(&["WORKFLOW", "JOBS", "PAYLOADS"], workflows));
    }
    lines.push(String::new());
    lines.push(format!(
        "the oldest kept job is of {}, the oldest event of {}",
        time::shown(&disk["oldestJob"]),
        time::shown(&disk["oldestEvent"])
    ));
    lines.push(next(&disk["next"]));
    lines
}

fn parts(disk: &Value) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = list(&disk["parts"])
        .iter()
        .map(|part| {
            let about = about(part);
            vec![
                plain(&part["kind"]),
                format!("{about}{}", plain(&part["rows"])),
                size(about, &part["bytes"]),
            ]
        })
        .collect();
    for (member, what) in [
        ("log", "log of the newest writes"),
        ("unused", "free, to be used before the file grows"),
        ("ballast", "kept for the day when the disk is full"),
    ] {
        rows.push(vec![what.to_owned(), String::new(), size("", &disk[member])]);
    }
    rows
}

fn workflows(disk: &Value) -> Vec<Vec<String>> {
    let row = |of: &Value| {
        let jobs = format!("{}{}", about(of), plain(&of["jobs"]));
        vec![plain(&of["workflow"]), jobs, size("~", &of["bytes"])]
    };
    list(&disk["workflows"]).iter().map(row).collect()
}

fn next(next: &Value) -> String {
    if next.is_null() {
        return "nothing has a time at which retention removes it".to_owned();
    }
    let counted = [
        ("jobs", "job", "jobs"),
        ("payloads", "job's payloads", "jobs' payloads"),
        ("events", "event", "events"),
        ("marks", "dedup mark", "dedup marks"),
    ];
    let counted = counted.iter().filter_map(|(member, one, many)| match next[member].as_u64()? {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    });
    let counted: Vec<String> = counted.collect();
    let what =
        if counted.is_empty() { "what is left of older things".to_owned() } else { counted.join(", ") };
    let (from, until) = (time::shown(&next["from"]), time::shown(&next["until"]));
    format!("retention removes next, unless it is still needed: {what} (from {from} to {until})")
}

fn about(part: &Value) -> &'static str {
    if part["estimate"].as_bool() == Some(true) { "~" } else { "" }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// `12.3 MiB`.
fn size(about: &str, bytes: &Value) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let Some(bytes) = bytes.as_u64() else { return "-".to_owned() };
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{about}{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{about}{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_reads_well() {
        let disk = json!({
            "parts": [
                { "kind": "events", "rows": 1204, "bytes": 12_897_485, "estimate": true },
                { "kind": "jobs", "rows": 3, "bytes": 4096, "estimate": false },
            ],
            "log": 512,
            "unused": 0,
            "ballast": 1_073_741_824,
            "workflows": [{ "workflow": "acme/sync", "jobs": 3, "bytes": 2048, "estimate": false }],
            "oldestJob": "2026-11-01T10:00:00Z",
            "oldestEvent": null,
            "next": {
                "from": "2026-12-01T10:00:00Z", "until": "2026-12-02T09:00:00Z",
                "jobs": 3, "payloads": 0, "events": 1, "marks": 0,
            },
        });
        let expected = "
what the server's disk holds (`~`: estimated):
WHAT                                    HOW MANY  SIZE
events                                  ~1204     ~12.3 MiB
jobs                                    3         4.0 KiB
log of the newest writes                          512 B
free, to be used before the file grows            0 B
kept for the day when the disk is full            1.0 GiB

workflows with the most kept jobs:
WORKFLOW   JOBS  PAYLOADS
acme/sync  3     ~2.0 KiB

the oldest kept job is of 2026-11-01 10:00:00Z, the oldest event of -
retention removes next, unless it is still needed: 3 jobs, 1 event (from 2026-12-01 10:00:00Z to 2026-12-02 09:00:00Z)";
        assert_eq!(lines(&disk).join("\n"), expected);
        assert_eq!(lines(&Value::Null), [""; 0]);
    }
}
