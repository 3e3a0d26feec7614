//! Paths and queries, escaped.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `/a/b%2Fc` of `["a", "b/c"]`.
pub(crate) fn path(segments: &[&str]) -> String {
    segments.iter().fold(String::new(), |mut path, segment| {
        path.push('/');
        path.extend(utf8_percent_encode(segment, ESCAPED));
        path
    })
}

/// The part behind `?`; members without a value are left out.
#[derive(Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.extend(utf8_percent_encode(&value.to_string(), ESCAPED));
        }
        self
    }

    /// The whole path.
    pub(crate) fn after(self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_given_can_change_the_shape_of_an_address() {
        assert_eq!(path(&["api", "a/b", "../c?d"]), "/api/a%2Fb/..%2Fc%3Fd");
        let query = Query::default().with("a", Some("x&y=z")).with("b", None::<u8>).with("c", Some(3));
        assert_eq!(query.after("/p"), "/p?a=x%26y%3Dz&c=3");
    }
}
