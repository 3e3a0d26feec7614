//! Literal values: texts of a certain form, numbers, choices, durations, schemas.

use super::Checker;
use crate::codes;
use crate::diagnostic::{nearest, quote, suggest};
use crate::document::{Content, NodeId};
use crate::program::{CalendarError, Cron, Zone, parse_duration};
use crate::shape::{LANGUAGE_VARIABLES, Literal, Place};
use tenon_expr::runtime_expression;

/// Those that a document may call.
pub(crate) const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"];

/// Why a text is not what it should be.
struct Misfit {
    code: &'static str,
    message: String,
    hint: Option<String>,
}

impl Checker<'_> {
    fn text_of(&self, id: NodeId) -> &str {
        self.document.text(id).expect("the shape asks for text")
    }

    pub(super) fn text(&mut self, id: NodeId, literal: Literal) {
        if let Some(misfit) = misfit(self.text_of(id), literal) {
            self.report_with(id, misfit.code, misfit.message, misfit.hint);
        }
    }

    pub(super) fn text_or(&mut self, id: NodeId, literal: Literal, place: Place) {
        self.part(id, literal);
        self.template(id, place);
    }

    /// Text in an object that is compiled as a whole.
    pub(super) fn part(&mut self, id: NodeId, literal: Literal) {
        if runtime_expression(self.text_of(id)).is_none() {
            self.text(id, literal);
        }
    }

    pub(super) fn integer(&mut self, id: NodeId, least: i64, most: i64) {
        let Content::Number { value, written } = self.document.content(id) else { return };
        let Some(number) = value.as_i64() else {
            let message = format!("must be a whole number, not {}", quote(written));
            return self.report(id, codes::WRONG_TYPE, message);
        };
        if !(least..=most).contains(&number) {
            self.report(id, codes::RANGE, format!("must be from {least} to {most}, not {number}"));
        }
    }

    pub(super) fn integer_or(&mut self, id: NodeId, (least, most): (i64, i64), place: Place) {
        match self.document.content(id) {
            Content::Number { .. } => {
                self.integer(id, least, most);
                self.template(id, place);
            }
            _ => self.computed(id, place),
        }
    }

    pub(super) fn choice(&mut self, id: NodeId, choices: &'static [&'static str]) {
        let text = self.text_of(id);
        if choices.contains(&text) {
            return;
        }
        let message = format!("`{}` is not possible here", quote(text));
        let hint = suggest(text, choices.iter().copied());
        self.report_with(id, codes::NOT_ALLOWED, message, hint);
    }

    pub(super) fn variable_name(&mut self, id: NodeId) {
        let name = self.text_of(id);
        let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let fits = name.len() <= 64
            && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(letters);
        let message = if !fits {
            format!("`{}` cannot be the name of a variable", quote(name))
        } else if LANGUAGE_VARIABLES[..8].contains(&name) || name.starts_with("__") {
            format!("`${name}` belongs to the language and cannot be redefined")
        } else {
            return;
        };
        let hint = name.strip_prefix('$').map(|bare| format!("write it without `$`: `{}`", quote(bare)));
        self.report_with(id, codes::VARIABLE_NAME, message, hint);
    }

    pub(super) fn duration(&mut self, id: NodeId, place: Option<Place>) {
        let text = self.document.text(id);
        match (text.and_then(runtime_expression), place) {
            (Some(_), Some(place)) => return self.template(id, place),
            (Some(_), None) => {
                let message = "an expression is not possible here, the duration must be literal".to_owned();
                return self.report(id, codes::NO_EXPRESSION_HERE, message);
            }
            (None, _) => {}
        }
        if let Err(error) = parse_duration(&self.document.value_of(id)) {
            self.report(id, codes::DURATION, error.to_string());
        }
    }
}

fn misfit(text: &str, literal: Literal) -> Option<Misfit> {
    let plain = |code, message: &str| {
        let message = format!("`{}` {message}", quote(text));
        Some(Misfit { code, message, hint: None })
    };
    match literal {
        Literal::NotEmpty if text.trim().is_empty() => {
            Some(Misfit { code: codes::PATTERN, message: "must not be empty".to_owned(), hint: None })
        }
        Literal::Any | Literal::NotEmpty => None,
        Literal::DslVersion if text.starts_with("1.0.") && is_version(text) => None,
        Literal::DslVersion => {
            let hint = Some("write dsl: '1.0.3'".to_owned());
            let message = format!("version `{}` of the language is not supported, only 1.0.x", quote(text));
            Some(Misfit { code: codes::DSL_VERSION, message, hint })
        }
        Literal::Version if is_version(text) => None,
        Literal::Version => plain(codes::PATTERN, "is not a semantic version such as 1.0.0"),
        Literal::Label if is_label(text) => None,
        Literal::Label => plain(codes::PATTERN, "is not a name of 1 to 63 letters, digits and inner dashes"),
        Literal::HttpMethod => method(text),
        Literal::JsonPointer if is_pointer(text) => None,
        Literal::JsonPointer => plain(codes::JSON_POINTER, "is not a JSON Pointer such as `/data/card`"),
        Literal::Moment if text.parse::<jiff::Timestamp>().is_ok() => None,
        Literal::Moment => plain(codes::MOMENT, "is not an RFC 3339 moment such as 2027-01-01T00:00:00Z"),
        Literal::Cron => unusable(codes::CRON, Cron::parse(text, Zone::utc()).err()),
        Literal::TimeZone => unusable(codes::TIME_ZONE, Zone::named(text).err()),
        Literal::UriReference if !text.is_empty() && !text.contains(char::is_whitespace) => None,
        Literal::UriReference => plain(codes::URI, "is not a URI: it is empty or contains white space"),
        Literal::SchemaFormat if text == "json" || text.starts_with("json:") => None,
        Literal::SchemaFormat => plain(codes::NOT_ALLOWED, "is not a schema format of Tenon, only json is"),
        Literal::Language if text == "jq" => None,
        Literal::Language => plain(codes::EVALUATE, "is not an expression language of Tenon, only jq is"),
        Literal::Mode if text == "strict" => None,
        Literal::Mode => plain(codes::EVALUATE, "is not an expression mode of Tenon, only strict is"),
    }
}

fn unusable(code: &'static str, error: Option<CalendarError>) -> Option<Misfit> {
    error.map(|error| Misfit { code, message: error.message, hint: error.hint })
}

fn method(text: &str) -> Option<Misfit> {
    let upper = text.to_ascii_uppercase();
    if METHODS.contains(&upper.as_str()) {
        return None;
    }
    let hint = match nearest(&upper, METHODS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("possible: {}", METHODS.join(", ")),
    };
    let message = format!("`{}` is not an HTTP method", quote(text));
    Some(Misfit { code: codes::HTTP_METHOD, message, hint: Some(hint) })
}

/// `^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Semantic Versioning 2.0.0.
fn is_version(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (numbers, before) = text.split_once('-').map_or((text, None), |(text, before)| (text, Some(before)));
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits && (part == "0" || !part.starts_with('0'))
    };
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 128
        && numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && before.is_none_or(|before| {
            before.split('.').all(|part| word(part) && (!all_digits(part) || number(part)))
        })
        && build.is_none_or(|build| build.split('.').all(word))
}

fn is_pointer(text: &str) -> bool {
    let escapes = |segment: &str| {
        segment.split('~').skip(1).all(|after| after.starts_with('0') || after.starts_with('1'))
    };
    text.is_empty() || (text.starts_with('/') && text.split('/').all(escapes))
}
