//! The body of a request: in which of the described media types, and how it is made of parameters.

use serde_json::{Map, Value};

use crate::Location;
use crate::source::{Dialect, Source, flag, items, members, short, string};
use crate::style::{Pair, Style, Written, encode, scalar};

/// How many schemas are looked into for the members of one body.
const MAX_SCHEMAS: usize = 200;
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A body that an operation takes.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) required: bool,
    /// The names besides `body` under which the whole body can be given (Swagger 2.0 names it).
    pub(crate) name: Option<String>,
    /// Whether the body is an object with a member `body`, which the name `body` then means.
    pub(crate) has_member_body: bool,
    /// Whether it can be given member by member.
    pub(crate) takes_members: bool,
    /// Members that must be given (fields of a form of Swagger 2.0).
    pub(crate) required_members: Vec<String>,
    content_type: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Json,
    /// The fields that are not written as the others are.
    Form(Vec<(String, Style)>),
    /// A text as it is.
    Text,
    /// Cannot be sent: why.
    Refused(String),
}

/// A body made: a text is sent as it is, anything else as JSON.
pub(crate) struct Made {
    pub(crate) value: Value,
    pub(crate) content_type: String,
}

// === impl Body ===

impl Body {
    /// `inside` are the parameters of Swagger 2.0 that make the body.
    pub(crate) fn read(
        source: Source<'_>,
        operation: &Value,
        inside: &[&Value],
    ) -> Result<Option<Self>, String> {
        match source.dialect {
            Dialect::Two => Ok(Self::of_parameters(source, operation, inside)),
            Dialect::Three => match operation.get("requestBody") {
                None => Ok(None),
                Some(body) => Self::of_content(source, source.follow(body)?).map(Some),
            },
        }
    }

    fn of_content(source: Source<'_>, body: &Value) -> Result<Self, String> {
        let Some(content) = members(body, "content").filter(|content| !content.is_empty()) else {
            return Err("its body is of no media type".to_owned());
        };
        let (media_type, media) =
            content.iter().min_by_key(|(media_type, _)| rank(media_type)).expect("there is one at least");
        let kind = match rank(media_type) {
            Rank::Json | Rank::AnyJson | Rank::Any => Kind::Json,
            Rank::Form => Kind::Form(fields(media)?),
            Rank::Other => Kind::Text,
            Rank::Multipart => multipart(),
        };
        let content_type = if rank(media_type) == Rank::Any { JSON } else { media_type };
        let glance = Glance::at(source, media.get("schema"));
        Ok(Self {
            required: flag(body, "required").unwrap_or(false),
            name: None,
            has_member_body: glance.has_member_body,
            takes_members: matches!(kind, Kind::Form(_))
                || (matches!(kind, Kind::Json) && glance.may_be_object),
            required_members: Vec::new(),
            content_type: content_type.to_owned(),
            kind,
        })
    }

    fn of_parameters(source: Source<'_>, operation: &Value, inside: &[&Value]) -> Option<Self> {
        let own = items(operation, "consumes");
        let consumes = if own.is_empty() { items(source.root, "consumes") } else { own };
        let consumes: Vec<&str> = consumes.iter().filter_map(Value::as_str).collect();
        let whole = inside.iter().find(|value| string(value, "in") == Some("body"));
        if let Some(whole) = whole {
            let chosen = consumes.iter().copied().min_by_key(|media_type| rank(media_type)).unwrap_or(JSON);
            let kind = match rank(chosen) {
                Rank::Json | Rank::AnyJson | Rank::Any => Kind::Json,
                Rank::Form => Kind::Form(Vec::new()),
                Rank::Other => Kind::Text,
                Rank::Multipart => multipart(),
            };
            let glance = Glance::at(source, whole.get("schema"));
            return Some(Self {
                required: flag(whole, "required").unwrap_or(false),
                name: string(whole, "name").map(str::to_owned),
                has_member_body: glance.has_member_body,
                takes_members: matches!(kind, Kind::Json | Kind::Form(_)) && glance.may_be_object,
                required_members: Vec::new(),
                content_type: if rank(chosen) == Rank::Any { JSON } else { chosen }.to_owned(),
                kind,
            });
        }
        (!inside.is_empty()).then(|| Self::of_fields(&consumes, inside))
    }

    /// Swagger 2.0, `in: formData`.
    fn of_fields(consumes: &[&str], inside: &[&Value]) -> Self {
        let has_file = inside.iter().any(|value| string(value, "type") == Some("file"));
        let only_multipart =
            !consumes.is_empty() && consumes.iter().all(|media_type| rank(media_type) == Rank::Multipart);
        let name = |value: &Value| string(value, "name").unwrap_or_default().to_owned();
        let required = |value: &&Value| flag(value, "required").unwrap_or(false);
        let kind = if has_file || only_multipart {
            multipart()
        } else {
            let style = |value: &Value| (name(value), Style::of_collection(value, Location::Query));
            Kind::Form(inside.iter().map(|value| style(value)).collect())
        };
        Self {
            required: false,
            name: None,
            has_member_body: inside.iter().any(|value| string(value, "name") == Some("body")),
            takes_members: true,
            required_members: inside.iter().copied().filter(required).map(name).collect(),
            content_type: FORM.to_owned(),
            kind,
        }
    }

    /// The body that is sent for `value`.
    pub(crate) fn make(&self, value: Value) -> Result<Made, String> {
        let value = match &self.kind {
            // A text would be sent as it is; here it is a JSON value.
            Kind::Json => match value {
                Value::String(text) => Value::String(Value::String(text).to_string()),
                other => other,
            },
            Kind::Form(styles) => Value::String(form(styles, value)?),
            Kind::Text => match value {
                Value::Array(_) | Value::Object(_) | Value::Null => {
                    return Err(format!("is sent as {}, so it must be a text", short(&self.content_type)));
                }
                other => Value::String(scalar(&other)?),
            },
            Kind::Refused(reason) => return Err(reason.clone()),
        };
        Ok(Made { value, content_type: self.content_type.clone() })
    }
}

fn multipart() -> Kind {
    Kind::Refused(
        "is multipart (a file upload), which is not supported: use `call: http` with a body of its own"
            .to_owned(),
    )
}

/// The media types in order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Json,
    AnyJson,
    Form,
    Any,
    Other,
    Multipart,
}

fn rank(media_type: &str) -> Rank {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        JSON | "text/json" => Rank::Json,
        FORM => Rank::Form,
        "*/*" | "application/*" | "" => Rank::Any,
        _ if essence.ends_with("+json") => Rank::AnyJson,
        _ if essence.starts_with("multipart/") => Rank::Multipart,
        _ => Rank::Other,
    }
}

// === forms ===

fn fields(media: &Value) -> Result<Vec<(String, Style)>, String> {
    let Some(encodings) = members(media, "encoding") else {
        return Ok(Vec::new());
    };
    let styled = |encoding: &Value| {
        ["style", "explode", "allowReserved"].iter().any(|name| encoding.get(name).is_some())
    };
    let read = |(name, encoding): (&String, &Value)| {
        let style = Style::read(encoding, Location::Query);
        style
            .map(|style| (name.clone(), style))
            .map_err(|reason| format!("its field `{}` {reason}", short(name)))
    };
    encodings.iter().filter(|(_, encoding)| styled(encoding)).map(read).collect()
}

/// Without an encoding that says otherwise, lists are repeated fields and objects are JSON.
fn form(styles: &[(String, Style)], value: Value) -> Result<String, String> {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::String(text) => return Ok(text),
        _ => return Err("is a form, so it must be an object (or the form's text)".to_owned()),
    };
    let mut parts: Vec<String> = Vec::new();
    for (name, value) in &fields {
        if value.is_null() {
            continue;
        }
        let style = styles.iter().find(|(styled, _)| styled == name);
        let pairs = match style {
            Some((_, style)) => style
                .pairs(name, value)
                .map_err(|reason| format!("has a field `{}` that {reason}", short(name)))?,
            None => plain(name, value),
        };
        parts.extend(pairs.iter().map(part));
    }
    Ok(parts.join("&"))
}

fn plain(name: &str, value: &Value) -> Vec<Pair> {
    let text = |value: &Value| scalar(value).unwrap_or_else(|_| value.to_string());
    let pair = |value: &Value| Pair { name: name.to_owned(), value: Written::Plain(text(value)) };
    match value {
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(pair).collect(),
        other => vec![pair(other)],
    }
}

fn part(pair: &Pair) -> String {
    match &pair.value {
        Written::Plain(text) => format!("{}={}", encode(&pair.name), encode(text)),
        Written::Encoded(text) => format!("{}={text}", encode(&pair.name)),
    }
}

// === schemas ===

/// What a look at a body's schema says.
struct Glance {
    has_member_body: bool,
    may_be_object: bool,
}

impl Glance {
    fn at<'a>(source: Source<'a>, schema: Option<&'a Value>) -> Self {
        let mut glance = Self { has_member_body: false, may_be_object: true };
        let Some(first) = schema.and_then(|schema| source.follow(schema).ok()) else {
            return glance;
        };
        glance.may_be_object = match first.get("type") {
            Some(Value::String(kind)) => kind == "object",
            Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
            _ => true,
        };
        let mut open = vec![first];
        for _ in 0..MAX_SCHEMAS {
            let Some(schema) = open.pop() else { break };
            let properties: Option<&Map<String, Value>> = members(schema, "properties");
            glance.has_member_body |= properties.is_some_and(|properties| properties.contains_key("body"));
            for branch in ["allOf", "anyOf", "oneOf"] {
                open.extend(
                    items(schema, branch)
                        .iter()
                        .take(MAX_SCHEMAS)
                        .filter_map(|part| source.follow(part).ok()),
                );
            }
        }
        glance
    }
}
