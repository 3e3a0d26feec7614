//! How values are written: the styles of OpenAPI 3 and the collection formats of 2.0, after RFC 6570.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::Location;
use crate::source::{flag, short, string};

/// All but RFC 3986's unreserved characters.
pub(crate) const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// With `allowReserved`: what would end the value or the query stays encoded.
const RESERVED: &AsciiSet = &STRICT
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';');
/// How deep a `deepObject` may nest.
const MAX_DEPTH: usize = 16;

/// A way to write a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    kind: Kind,
    explode: bool,
    reserved: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Form,
    Simple,
    Label,
    Matrix,
    Space,
    Tab,
    Pipe,
    Deep,
}

/// A name and a value of a query, a form or a cookie.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: Written,
}

/// A value of a [`Pair`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Yet to be percent-encoded.
    Plain(String),
    /// Percent-encoded already, since its delimiters must not be.
    Encoded(String),
}

/// A value without what a style cannot say.
enum Shape<'a> {
    One(String),
    List(Vec<String>),
    Members(Vec<(&'a str, String)>),
}

// === impl Style ===

impl Style {
    pub(crate) fn default_of(location: Location) -> Self {
        let kind = match location {
            Location::Query | Location::Cookie => Kind::Form,
            Location::Path | Location::Header => Kind::Simple,
        };
        Self { kind, explode: kind == Kind::Form, reserved: false }
    }

    /// OpenAPI 3: of a parameter, or of an encoding of a form.
    pub(crate) fn read(value: &Value, location: Location) -> Result<Self, String> {
        let default = Self::default_of(location);
        let kind = match string(value, "style") {
            None => default.kind,
            Some("form") => Kind::Form,
            Some("simple") => Kind::Simple,
            Some("label") => Kind::Label,
            Some("matrix") => Kind::Matrix,
            Some("spaceDelimited") => Kind::Space,
            Some("pipeDelimited") => Kind::Pipe,
            Some("deepObject") => Kind::Deep,
            Some(other) => return Err(format!("has the style `{}`, which is none", short(other))),
        };
        let explode = flag(value, "explode").unwrap_or(kind == Kind::Form);
        Ok(Self { kind, explode, reserved: flag(value, "allowReserved").unwrap_or(false) })
    }

    /// Swagger 2.0.
    pub(crate) fn of_collection(value: &Value, location: Location) -> Self {
        let separated = |kind| Self { kind, explode: false, reserved: false };
        match string(value, "collectionFormat") {
            Some("multi") => Self { kind: Kind::Form, explode: true, reserved: false },
            Some("ssv") => separated(Kind::Space),
            Some("tsv") => separated(Kind::Tab),
            Some("pipes") => separated(Kind::Pipe),
            _ => separated(Self::default_of(location).kind),
        }
    }

    /// Into a path: percent-encoded.
    pub(crate) fn path(self, name: &str, value: &Value) -> Result<String, String> {
        let shape = Shape::of(value)?;
        let (start, between) = match (self.kind, self.explode) {
            (Kind::Label, false) => (".", ","),
            (Kind::Label, true) => (".", "."),
            (Kind::Matrix, true) => return Ok(matrix(name, &shape)),
            (Kind::Matrix, false) => {
                return Ok(format!(";{}={}", encode(name), shape.join(",", false, encode)));
            }
            (Kind::Space, _) => ("", "%20"),
            (Kind::Tab, _) => ("", "%09"),
            (Kind::Pipe, _) => ("", "%7C"),
            (Kind::Form | Kind::Simple | Kind::Deep, _) => ("", ","),
        };
        Ok(format!("{start}{}", shape.join(between, self.explode, encode)))
    }

    /// Into a header: as it is.
    pub(crate) fn header(self, value: &Value) -> Result<String, String> {
        let between = match self.kind {
            Kind::Space => " ",
            Kind::Tab => "\t",
            Kind::Pipe => "|",
            _ => ",",
        };
        Ok(Shape::of(value)?.join(between, self.explode, str::to_owned))
    }

    /// Into a query, a form or cookies.
    pub(crate) fn pairs(self, name: &str, value: &Value) -> Result<Vec<Pair>, String> {
        if self.kind == Kind::Deep && (value.is_object() || value.is_array()) {
            let mut pairs = Vec::new();
            deep(name.to_owned(), value, 0, &mut pairs)?;
            return Ok(pairs);
        }
        let shape = Shape::of(value)?;
        let pair = |name: &str, value| Pair { name: name.to_owned(), value };
        let delimiter = match self.kind {
            Kind::Space => "%20",
            Kind::Tab => "%09",
            Kind::Pipe => "%7C",
            _ => ",",
        };
        Ok(match shape {
            Shape::One(text) => vec![pair(name, self.written(text))],
            Shape::List(texts) if self.explode => {
                texts.into_iter().map(|text| pair(name, self.written(text))).collect()
            }
            Shape::Members(members) if self.explode => {
                members.into_iter().map(|(name, text)| pair(name, self.written(text))).collect()
            }
            shape if shape.is_empty() => Vec::new(),
            shape => {
                let set = if self.reserved { RESERVED } else { STRICT };
                let encode = |text: &str| utf8_percent_encode(text, set).to_string();
                vec![pair(name, Written::Encoded(shape.join(delimiter, false, encode)))]
            }
        })
    }

    fn written(self, text: String) -> Written {
        if self.reserved {
            return Written::Encoded(utf8_percent_encode(&text, RESERVED).to_string());
        }
        Written::Plain(text)
    }
}

// === impl Shape ===

impl<'a> Shape<'a> {
    fn of(value: &'a Value) -> Result<Self, String> {
        match value {
            Value::Array(items) => {
                let texts = items.iter().filter(|item| !item.is_null()).map(scalar);
                Ok(Self::List(texts.collect::<Result<_, _>>()?))
            }
            Value::Object(members) => {
                let given = members.iter().filter(|(_, value)| !value.is_null());
                let texts = given.map(|(name, value)| Ok((name.as_str(), scalar(value)?)));
                Ok(Self::Members(texts.collect::<Result<_, String>>()?))
            }
            other => scalar(other).map(Self::One),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::List(texts) => texts.is_empty(),
            Self::Members(members) => members.is_empty(),
        }
    }

    /// Its parts with a separator between them; exploded members are `name=value`.
    fn join(&self, between: &str, explode: bool, encode: impl Fn(&str) -> String) -> String {
        let parts: Vec<String> = match self {
            Self::One(text) => vec![encode(text)],
            Self::List(texts) => texts.iter().map(|text| encode(text)).collect(),
            Self::Members(members) if explode => {
                members.iter().map(|(name, text)| format!("{}={}", encode(name), encode(text))).collect()
            }
            Self::Members(members) => {
                members.iter().flat_map(|(name, text)| [encode(name), encode(text)]).collect()
            }
        };
        parts.join(between)
    }
}

/// A text as it is; numbers and booleans written out.
pub(crate) fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => {
            Err("has lists or objects inside of it, which its style cannot write".to_owned())
        }
    }
}

pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

fn matrix(name: &str, shape: &Shape<'_>) -> String {
    let mut written = String::new();
    let mut add = |name: &str, text: &str| {
        write!(written, ";{}={}", encode(name), encode(text)).expect("a text takes what is written");
    };
    match shape {
        Shape::One(text) => add(name, text),
        Shape::List(texts) => texts.iter().for_each(|text| add(name, text)),
        Shape::Members(members) => members.iter().for_each(|(name, text)| add(name, text)),
    }
    written
}

/// `name[member]=value`, to any depth as Stripe and others read it. Items of a list are `name[]`, those that are
/// lists or objects themselves `name[0]`, so that their parts stay together.
fn deep(name: String, value: &Value, depth: usize, pairs: &mut Vec<Pair>) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("nests more than {MAX_DEPTH} levels"));
    }
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (member, value) in members {
                deep(format!("{name}[{member}]"), value, depth + 1, pairs)?;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let is_flat = !item.is_object() && !item.is_array();
                let name = if is_flat { format!("{name}[]") } else { format!("{name}[{index}]") };
                deep(name, item, depth + 1, pairs)?;
            }
        }
        other => pairs.push(Pair { name, value: Written::Plain(scalar(other)?) }),
    }
    Ok(())
}
