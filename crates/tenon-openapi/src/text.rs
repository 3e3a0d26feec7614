//! From text to a value, with a bound on everything.

use serde_json::Value;

use crate::Error;

/// Longest document. The largest public ones have about 10 MB.
const MAX_BYTES: usize = 16 << 20;
/// Deepest nesting; that of `serde_json`.
const MAX_DEPTH: usize = 127;
/// Most values in a YAML document, aliases expanded.
const MAX_YAML_VALUES: usize = 2_000_000;
/// Most of these values that come from aliases: they cost more than others.
const MAX_YAML_COPIES: usize = 100_000;
/// Longest key in a YAML document: paths are keys, and some are long.
const MAX_YAML_KEY: usize = 4_096;

/// Reads JSON, or YAML where the text is none.
pub(crate) fn parse(text: &str) -> Result<Value, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::TooLarge { bytes: text.len(), limit: MAX_BYTES });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_start().starts_with('{') {
        return yaml(text).map_err(|reason| Error::Syntax { format: "YAML", reason });
    }
    // What begins like JSON may still be YAML in flow style; if it is neither, the reader meant JSON.
    serde_json::from_str(text)
        .or_else(|error| yaml(text).map_err(|_| Error::Syntax { format: "JSON", reason: error.to_string() }))
}

fn yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            simple_key_max_lookahead: MAX_YAML_KEY,
            max_events: 2 * MAX_YAML_VALUES,
            max_nodes: MAX_YAML_VALUES,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_recorded_anchor_events: MAX_YAML_COPIES,
            max_documents: 1,
            max_total_scalar_bytes: MAX_BYTES,
        },
        // As with JSON: the last one counts. Published documents have duplicates.
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_YAML_COPIES },
        // YAML 1.2: `on` and `no` are text.
        strict_booleans: true,
    };
    let parsed: Result<Value, _> = serde_saphyr::from_str_with_options(text, options);
    parsed.map_err(|error| error.to_string().lines().next().unwrap_or("not readable").to_owned())
}
