//! `WWW-Authenticate`: the challenges in it. Pure.

/// Most challenges of one response, and most parameters of one challenge.
const MAX_CHALLENGES: usize = 16;
const MAX_PARAMETERS: usize = 32;

/// A scheme and its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// As written.
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

// === impl Challenge ===

impl Challenge {
    /// A parameter's value, quotes and escapes removed. Names are compared without case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// All challenges of one header value. Commas separate challenges as well as parameters; a part that begins with
/// a word and a space begins a challenge.
pub(super) fn challenges(text: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for part in parts(text) {
        let part = part.trim();
        let (scheme, parameter) = match part.split_once(char::is_whitespace) {
            Some((scheme, rest)) if !scheme.contains('=') && !rest.trim_start().starts_with('=') => {
                (Some(scheme), rest.trim_start())
            }
            None if !part.is_empty() && !part.contains('=') => (Some(part), ""),
            _ => (None, part),
        };
        if let Some(scheme) = scheme {
            if found.len() == MAX_CHALLENGES {
                break;
            }
            found.push(Challenge { scheme: scheme.to_owned(), parameters: Vec::new() });
        }
        let (Some(challenge), Some((name, value))) = (found.last_mut(), parameter.split_once('=')) else {
            continue;
        };
        if challenge.parameters.len() < MAX_PARAMETERS {
            challenge.parameters.push((name.trim().to_owned(), unquoted(value.trim())));
        }
    }
    found
}

/// The parts between commas that are not inside quotes.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (index, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut text = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown: Vec<String> = challenges(text)
            .iter()
            .map(|challenge| {
                let parameters: Vec<String> =
                    challenge.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{}[{}]", challenge.scheme, parameters.join(";"))
            })
            .collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn challenges_are_told_apart() {
        check("Basic realm=\"a, b\"", "Basic[realm=a, b]");
        check(
            "Digest realm=\"x\", qop=\"auth,auth-int\", nonce=\"n\", algorithm=SHA-256, Basic realm=\"y\"",
            "Digest[realm=x;qop=auth,auth-int;nonce=n;algorithm=SHA-256] Basic[realm=y]",
        );
        check(
            "Negotiate, Digest  realm = \"a\\\"b\\\\\" ,nonce=n",
            "Negotiate[] Digest[realm=a\"b\\;nonce=n]",
        );
        check("Digest realm=\"open", "Digest[realm=open]");
        check("", "");
        check(",,=,a=b", "");
    }
}
