//! Literal texts as patterns. They are ECMA 262 and mean the same in the `regex` dialects of validators.

use serde_json::{Value, json};

use super::Generator;
use crate::check::METHODS;
use crate::shape::{LANGUAGE_VARIABLES, Literal};

/// Semantic Versioning 2.0.0, after its first two numbers.
const VERSION_TAIL: &str = r"(?:0|[1-9][0-9]*)(?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$";
const LABEL: &str = "^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$";
const JSON_POINTER: &str = "^(?:/(?:[^~/]|~[01])*)*$";
/// A text that is wholly `${ … }`.
const EXPRESSION: &str = r"^\s*\$\{[\s\S]*\}\s*$";
/// Where only literals are possible.
const NO_EXPRESSION: &str = r"^(?!\s*\$\{[\s\S]*\}\s*$)";
const WEB_ADDRESS: &str = r"^(?:\{\S*|[hH][tT][tT][pP][sS]?://[^\s/?#]\S*)$";
/// As `WEB_ADDRESS`; other schemes, and addresses with braces, are only not fetched.
const FILE_ADDRESS: &str = r"^(?:[\s\S]*[{}][\s\S]*|(?![hH][tT][tT][pP][sS]?://)[\s\S]*://[\s\S]*|[hH][tT][tT][pP][sS]?://[^\s/?#]\S*)$";
/// Five or six fields, or a name such as `@daily`.
const CRON: &str = r"^\s*(?:@\S+|\S+(?:\s+\S+){4,5})\s*$";
/// Neither empty nor with white space.
const ADDRESS: &str = r"^\S+$";

// === impl Generator ===

impl Generator {
    /// Definitions that many places refer to.
    pub(super) fn define_literals(&mut self) {
        let definitions = [
            (
                "expression",
                json!({
                    "title": "An expression",
                    "description": "jq: a text that is wholly `${ … }`",
                    "type": "string",
                    "pattern": EXPRESSION,
                }),
            ),
            (
                "variable",
                json!({
                    "title": "A configuration variable",
                    "description": "Reads the variable of this name: `{\"$variable\": \"name\"}`",
                    "type": "object",
                    "properties": { "$variable": { "type": "string", "minLength": 1, "pattern": NO_EXPRESSION } },
                    "required": ["$variable"],
                    "additionalProperties": false,
                }),
            ),
            ("duration", duration()),
        ];
        self.definitions.extend(definitions.map(|(name, schema)| (name.to_owned(), schema)));
    }
}

/// A literal text.
pub(super) fn literal(literal: Literal) -> Value {
    match literal {
        Literal::Any | Literal::Moment => json!({ "type": "string" }),
        Literal::Cron => json!({ "type": "string", "pattern": CRON, "examples": ["*/5 * * * *"] }),
        Literal::TimeZone => json!({ "type": "string", "pattern": ADDRESS, "examples": ["Europe/Berlin"] }),
        Literal::NotEmpty => json!({ "type": "string", "pattern": r"\S" }),
        Literal::DslVersion => {
            let pattern = format!(r"^1\.0\.{VERSION_TAIL}");
            json!({ "type": "string", "pattern": pattern, "maxLength": 128, "examples": ["1.0.3"] })
        }
        Literal::Version => {
            let pattern = format!(r"^(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.{VERSION_TAIL}");
            json!({ "type": "string", "pattern": pattern, "maxLength": 128, "examples": ["1.0.0"] })
        }
        Literal::Label => json!({ "type": "string", "pattern": LABEL }),
        Literal::HttpMethod => {
            let names = METHODS.map(str::to_lowercase);
            let pattern = format!("^(?:{})$", METHODS.map(any_case).join("|"));
            json!({ "anyOf": [{ "enum": names }, { "type": "string", "pattern": pattern }] })
        }
        Literal::JsonPointer => json!({ "type": "string", "pattern": JSON_POINTER }),
        Literal::UriReference => json!({ "type": "string", "pattern": ADDRESS }),
        Literal::SchemaFormat => json!({ "type": "string", "pattern": "^json(?::|$)", "examples": ["json"] }),
        Literal::Language => json!({ "const": "jq" }),
        Literal::Mode => json!({ "const": "strict" }),
    }
}

/// An address in which `{name}` is filled in, or an expression.
pub(super) fn address(web: bool) -> Vec<Value> {
    let pattern = if web { WEB_ADDRESS } else { ADDRESS };
    vec![json!({ "type": "string", "pattern": pattern }), super::reference("expression")]
}

/// A name that is not one of the language's own.
/// The address of a file that is fetched at deploy.
pub(super) fn file_address() -> Value {
    json!({ "type": "string", "pattern": FILE_ADDRESS })
}

pub(super) fn variable_name() -> Value {
    let taken = LANGUAGE_VARIABLES[..8].join("|");
    json!({ "type": "string", "pattern": format!("^(?!(?:{taken})$|__)[A-Za-z_][A-Za-z0-9_]{{0,63}}$") })
}

/// `[gG][eE][tT]`
fn any_case(word: &str) -> String {
    word.chars().flat_map(|letter| ['[', letter.to_ascii_lowercase(), letter, ']']).collect()
}

fn duration() -> Value {
    let number = "[0-9]{1,18}(?:[.,][0-9]{1,18})?";
    let time = format!("T(?:{number}H(?:{number}M)?(?:{number}S)?|{number}M(?:{number}S)?|{number}S)");
    let pattern = format!("^P(?!$)(?:{number}W)?(?:{number}D)?(?:{time})?$");
    let member = |about: &str| json!({ "type": "integer", "minimum": 0, "description": about });
    json!({
        "title": "A duration",
        "description": "ISO 8601 such as `PT15M` or `P1DT12H`, or an object such as `{minutes: 15}`",
        "anyOf": [
            { "type": "string", "pattern": pattern, "examples": ["PT15M"] },
            {
                "type": "object",
                "properties": {
                    "days": member("Days of 24 hours"),
                    "hours": member("Hours"),
                    "minutes": member("Minutes"),
                    "seconds": member("Seconds"),
                    "milliseconds": member("Milliseconds"),
                },
                "minProperties": 1,
                "additionalProperties": false,
            },
        ],
    })
}
