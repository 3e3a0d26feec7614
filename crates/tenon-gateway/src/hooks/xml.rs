//! XML as JSON, within bounds, without DTDs.
//!
//! `<order id="7"><item>a</item><item>b</item>text</order>` becomes
//! `{"order": {"@id": "7", "item": ["a", "b"], "#text": "text"}}`: attributes have an `@`, an element with text alone is
//! that text, an empty one is null, several of a name are a list. There is no entity but the five of XML and characters
//! by number, so that nothing can grow.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Each level may be an object and a list of JSON, which may nest 100 levels.
const MAX_DEPTH: usize = 48;
const MAX_ELEMENTS: usize = 50_000;
/// Of one element.
const MAX_ATTRIBUTES: usize = 256;

struct Element {
    name: String,
    members: Map<String, Value>,
    text: String,
}

/// The document's root as an object of one member. The error says what is wrong.
pub(super) fn to_value(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    let mut document = Document::default();
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|error| format!("{error}, near byte {at}"))?;
        if matches!(event, Event::Eof) {
            return document.end();
        }
        document.take(event).map_err(|reason| format!("{reason}, near byte {at}"))?;
    }
}

#[derive(Default)]
struct Document {
    open: Vec<Element>,
    root: Option<Map<String, Value>>,
    elements: usize,
}

// === impl Document ===

impl Document {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(start) => {
                let element = self.element(&start)?;
                self.open.push(element);
            }
            Event::Empty(start) => {
                let element = self.element(&start)?;
                self.close(element);
            }
            Event::End(_) => {
                let element = self.open.pop().ok_or("an end without a start")?;
                self.close(element);
            }
            Event::Text(text) => self.text(&text.xml10_content())?,
            Event::CData(text) => self.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                if let Some(character) = character {
                    self.text(character.encode_utf8(&mut [0; 4]))?;
                } else {
                    let known = resolve_predefined_entity(&reference);
                    self.text(known.ok_or("entities are not known, except for the five of XML")?)?;
                }
            }
            Event::DocType(_) => return Err("a document type (DTD) is not taken".to_owned()),
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose().map_err(|error| error.to_string())?;
                if encoding.is_some_and(|name| !name.eq_ignore_ascii_case("utf-8")) {
                    return Err("only UTF-8 is taken".to_owned());
                }
            }
            Event::Comment(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn element(&mut self, start: &BytesStart<'_>) -> Result<Element, String> {
        if self.open.is_empty() && self.root.is_some() {
            return Err("there is more than one root".to_owned());
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(format!("there are more than {MAX_ELEMENTS} elements"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} levels"));
        }
        let mut members = Map::new();
        for (count, attribute) in start.attributes().enumerate() {
            if count == MAX_ATTRIBUTES {
                return Err(format!("an element has more than {MAX_ATTRIBUTES} attributes"));
            }
            let attribute = attribute.map_err(|error| error.to_string())?;
            check_name(attribute.key.as_ref())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| error.to_string())?;
            members.insert(format!("@{}", attribute.key.as_ref()), value.into_owned().into());
        }
        check_name(start.name().as_ref())?;
        Ok(Element { name: start.name().as_ref().to_owned(), members, text: String::new() })
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err("there is text outside of the root".to_owned()),
        }
        Ok(())
    }

    fn close(&mut self, element: Element) {
        let Element { name, mut members, text } = element;
        let text = text.trim();
        let value = match (members.is_empty(), text.is_empty()) {
            (true, true) => Value::Null,
            (true, false) => text.into(),
            (false, is_blank) => {
                if !is_blank {
                    members.insert("#text".to_owned(), text.into());
                }
                Value::Object(members)
            }
        };
        let parent = match self.open.last_mut() {
            Some(parent) => &mut parent.members,
            None => self.root.get_or_insert_default(),
        };
        match parent.get_mut(&name) {
            None => {
                parent.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }

    fn end(self) -> Result<Value, String> {
        if let Some(element) = self.open.last() {
            return Err(format!("it ends within `{}`", element.name.chars().take(60).collect::<String>()));
        }
        self.root.map(Value::Object).ok_or_else(|| "there is no element".to_owned())
    }
}

/// As XML 1.0 has it; the reader takes nearly anything. Else an element `@id` would be taken for the attribute `id`.
fn check_name(name: &str) -> Result<(), String> {
    let mut characters = name.chars();
    if characters.next().is_some_and(starts_name) && characters.all(|c| starts_name(c) || continues_name(c)) {
        return Ok(());
    }
    Err(format!("`{}` is not a name in XML", name.chars().take(60).collect::<String>()))
}

fn starts_name(character: char) -> bool {
    matches!(character,
        ':' | 'A'..='Z' | '_' | 'a'..='z'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
        | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

fn continues_name(character: char) -> bool {
    matches!(character,
        '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        assert_eq!(to_value(text), Ok(expected), "{text}");
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let reason = to_value(text).expect_err("must be refused");
        assert!(reason.contains(expected), "{reason}");
    }

    #[test]
    fn elements_become_members() {
        check(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<order id=\"7\"><item>a</item><item>b</item> text </order>\n",
            json!({"order": {"@id": "7", "item": ["a", "b"], "#text": "text"}}),
        );
        check("<a/>", json!({"a": null}));
        check("<a><b></b><!-- c --></a>", json!({"a": {"b": null}}));
        check("<s:a xmlns:s='urn:x'>1</s:a>", json!({"s:a": {"@xmlns:s": "urn:x", "#text": "1"}}));
        check("<a><![CDATA[<b>&amp;]]></a>", json!({"a": "<b>&amp;"}));
        check(
            "<a x='&lt;&#65;'>&quot;&#x41;&apos;&gt;&amp;</a>",
            json!({"a": {"@x": "<A", "#text": "\"A'>&"}}),
        );
    }

    #[test]
    fn bombs_are_refused() {
        let lol = "<!DOCTYPE l [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
        refused(lol, "DTD");
        refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", "DTD");
        refused("<a>&xxe;</a>", "entities are not known");
        refused("<a b='&xxe;'/>", "xxe");
        refused(&"<a>".repeat(49), "levels");
        refused(&format!("<a>{}</a>", "<b/>".repeat(50_000)), "elements");
        let attributes: Vec<String> = (0..257).map(|number| format!("a{number}=''")).collect();
        refused(&format!("<a {}/>", attributes.join(" ")), "attributes");
    }

    #[test]
    fn broken_documents_are_refused() {
        for (text, reason) in [
            ("", "no element"),
            ("text", "outside"),
            ("<a>", "within `a`"),
            ("<a></b>", "a"),
            ("<a/><b/>", "root"),
            ("<a b='1' b='2'/>", "duplicate"),
            ("<?xml version='1.0' encoding='latin1'?><a/>", "UTF-8"),
            ("<a id='1'><@id>2</@id></a>", "`@id` is not a name in XML, near byte 10"),
            ("<a><#text/></a>", "`#text` is not a name"),
            ("<a 1b='2'/>", "`1b` is not a name"),
            ("<a$/>", "`a$` is not a name"),
        ] {
            refused(text, reason);
        }
    }
}
