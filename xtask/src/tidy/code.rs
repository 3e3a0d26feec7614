//! A Rust file without its comments and the contents of its strings, line by line as before.
//!
//! Rules look for words; a word in a comment, a message or a test's fixture is not a use.

/// Blanks comments and the contents of string and character literals. Lines stay where they are.
pub(super) fn of(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = skipped(&letters, at);
        if end == at {
            code.push(letters[at]);
            at += 1;
            continue;
        }
        code.push(' ');
        code.extend(letters[at..end].iter().filter(|&&letter| letter == '\n'));
        at = end;
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `at` itself where none begins.
fn skipped(letters: &[char], at: usize) -> usize {
    let next = |offset: usize| letters.get(at + offset).copied().unwrap_or('\0');
    match (letters[at], next(1)) {
        ('/', '/') => find(letters, at, |letter| letter == '\n'),
        ('/', '*') => block_comment(letters, at),
        ('"', _) => quoted(letters, at + 1, '"'),
        ('\'', '\\') => quoted(letters, at + 1, '\''),
        ('\'', _) if next(2) == '\'' => at + 3,
        ('r', '"' | '#') if !follows_name(letters, at) => raw(letters, at),
        _ => at,
    }
}

fn find(letters: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    letters[from..].iter().position(|&letter| wanted(letter)).map_or(letters.len(), |offset| from + offset)
}

fn block_comment(letters: &[char], at: usize) -> usize {
    let (mut depth, mut end) = (0_usize, at);
    while end + 1 < letters.len() {
        match (letters[end], letters[end + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                end += 1;
                continue;
            }
        }
        end += 2;
        if depth == 0 {
            return end;
        }
    }
    letters.len()
}

/// The end of a literal whose content begins at `from` and may hold escapes.
fn quoted(letters: &[char], from: usize, quote: char) -> usize {
    let mut end = from;
    while end < letters.len() {
        match letters[end] {
            '\\' => end += 2,
            letter if letter == quote => return end + 1,
            _ => end += 1,
        }
    }
    letters.len()
}

/// `r"…"`, `r#"…"#`; anything else that begins like it (`r#type`) is not a literal.
fn raw(letters: &[char], at: usize) -> usize {
    let hashes = letters[at + 1..].iter().take_while(|&&letter| letter == '#').count();
    let start = at + 1 + hashes;
    if letters.get(start) != Some(&'"') {
        return at;
    }
    let mut end = start + 1;
    loop {
        end = find(letters, end.min(letters.len()), |letter| letter == '"') + 1;
        let closing = letters.iter().skip(end).take(hashes).filter(|&&letter| letter == '#').count();
        if closing == hashes || end >= letters.len() {
            return (end + hashes).min(letters.len());
        }
    }
}

/// The letter at `at` continues a name (`for"` never occurs, `br"` does and is a literal).
fn follows_name(letters: &[char], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|index| letters[index]) else { return false };
    (before.is_alphanumeric() && before != 'b') || before == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let squeezed = of(text)
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>();
        assert_eq!(squeezed.join("\n"), expected);
    }

    #[test]
    fn comments_go_and_lines_stay() {
        check("a // b\nc", "a\nc");
        check("a /* b\n /* c */ d */ e", "a\ne");
    }

    #[test]
    fn strings_go() {
        check(r#"f("x\"y", z)"#, "f( , z)");
        check("f(r#\"a\"b\"#, z)", "f( , z)");
        check("f(br\"a\\\", z)", "f(b , z)");
        check("f(\"a\nb\", z)", "f(\n, z)");
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        check("f('\"', 'a', '\\'', x)", "f( , , , x)");
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
        check("let r#type = 1;", "let r#type = 1;");
    }
}
