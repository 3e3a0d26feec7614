//! Whether commands printed what a guide says. `…` is anything within a line, a line `…` any number of lines, runs of
//! blanks are one. An id (`job_0cn18c56w9psc`) stands for whatever is there the first time, for that from then on.

use std::collections::HashMap;

/// What the guide's ids are called here.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids(HashMap<String, String>);

/// Part of an expected line.
enum Piece<'a> {
    Text(&'a str),
    Anything,
    Id(&'a str),
}

// === impl Ids ===

impl Ids {
    /// The text with the ids that are known put in.
    pub(super) fn put_into(&self, text: &str) -> String {
        let mut put = String::new();
        let mut rest = text;
        while let Some((before, id, after)) = next_id(rest) {
            put.push_str(before);
            put.push_str(self.0.get(id).map_or(id, String::as_str));
            rest = after;
        }
        put + rest
    }

    /// Whether these lines were printed, next to each other; what ids are, is remembered then.
    pub(super) fn find(&mut self, expected: &str, printed: &str) -> bool {
        let (expected, printed) = (lines(expected), lines(printed));
        (0..=printed.len()).any(|start| self.lines_match(&expected, &printed[start..]))
    }

    fn lines_match(&mut self, expected: &[String], printed: &[String]) -> bool {
        let Some((first, rest)) = expected.split_first() else { return true };
        if first == "…" {
            return (0..=printed.len()).any(|skipped| self.lines_match(rest, &printed[skipped..]));
        }
        let Some((line, below)) = printed.split_first() else { return false };
        let before = self.clone();
        let is_match = self.pieces_match(&pieces(first), line) && self.lines_match(rest, below);
        if !is_match {
            *self = before;
        }
        is_match
    }

    fn pieces_match(&mut self, pieces: &[Piece<'_>], text: &str) -> bool {
        let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
        match first {
            Piece::Text(expected) => {
                text.strip_prefix(expected).is_some_and(|text| self.pieces_match(rest, text))
            }
            Piece::Anything => {
                let mut ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
                ends.any(|end| self.pieces_match(rest, &text[end..]))
            }
            Piece::Id(name) => {
                let Some(("", found, text)) = next_id(text) else { return false };
                let is_same = found[..found.find('_').unwrap_or(0)] == name[..name.find('_').unwrap_or(0)];
                let known = self.0.entry((*name).to_owned()).or_insert_with(|| found.to_owned());
                is_same && known == found && self.pieces_match(rest, text)
            }
        }
    }
}

fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for (index, part) in line.split('…').enumerate() {
        if index > 0 {
            pieces.push(Piece::Anything);
        }
        let mut rest = part;
        while let Some((before, id, after)) = next_id(rest) {
            pieces.extend([Piece::Text(before), Piece::Id(id)]);
            rest = after;
        }
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// What is before the first id, the id, what is after it.
fn next_id(text: &str) -> Option<(&str, &str, &str)> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts = text.match_indices("job_").chain(text.match_indices("ev_"));
    let mut starts: Vec<(usize, &str)> = starts.collect();
    starts.sort_unstable();
    starts.into_iter().find_map(|(start, prefix)| {
        let digits = &text.as_bytes()[start + prefix.len()..];
        let length = digits.iter().position(|byte| !is_part(*byte)).unwrap_or(digits.len());
        let begins = start == 0 || !is_part(text.as_bytes()[start - 1]);
        let end = start + prefix.len() + length;
        (begins && length >= 8).then(|| (&text[..start], &text[start..end], &text[end..]))
    })
}

/// With runs of blanks as one, without those at the ends, and without empty lines at the end.
fn lines(text: &str) -> Vec<String> {
    let one_blank = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim_end().lines().map(one_blank).collect()
}

#[track_caller]
#[cfg(test)]
fn check(expected: &str, printed: &str, is_match: bool) {
    assert_eq!(Ids::default().find(expected, printed), is_match, "{expected:?} in {printed:?}");
}

#[test]
fn outputs_are_compared_line_by_line() {
    check("b  c\n", "a\nb   c\nd\n", true);
    check("a\nd\n", "a\nb\nd\n", false);
    check("a\n…\nd\n", "a\nb\nc\nd\n", true);
    check("took … ms", "took 12 ms", true);
    check("took … ms", "took 12 s", false);
    check("b", "abc", false);
    check("job_0000000001 job_0000000001", "job_1234567890 job_1234567890", true);
    check("job_0000000001 job_0000000001", "job_1234567890 job_1234567891", false);
    check("job_0000000001", "ev_1234567890", false);
}

#[test]
fn ids_are_put_into_commands() {
    let mut ids = Ids::default();
    assert!(ids.find("{\"jobs\":[\"job_0000000001\"]}", "{\"jobs\":[\"job_1234567890\"]}"));
    assert_eq!(ids.put_into("show job_0000000001 job_0000000002"), "show job_1234567890 job_0000000002");
}
