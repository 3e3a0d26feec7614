//! Parsing, by jaq, of source that is first checked to be small enough for a recursive parser.

use crate::CompileError;
use jaq_core::load::lex::{Lexer, StrPart, Tok, Token};
use jaq_core::load::parse::{Expect, Parser, Term};

/// Longest source of one expression, in bytes.
const MAX_SOURCE: usize = 64 << 10;
/// Brackets and interpolations inside each other.
const MAX_NESTING: usize = 48;
/// Operators and keywords above any place of the syntax tree; the tree is at most this deep.
const MAX_HEIGHT: usize = 160;
/// Commas in one sequence: they make a tree too, but one that is flattened at once.
const MAX_COMMAS: usize = 1000;

pub(crate) fn parse(source: &str) -> Result<Term<&str>, CompileError> {
    if source.len() > MAX_SOURCE {
        let message = format!("the expression is longer than {MAX_SOURCE} bytes");
        return Err(CompileError::new(message, MAX_SOURCE));
    }
    check_nesting(source)?;
    let tokens = Lexer::new(source).lex().map_err(|errors| {
        let (expected, found) = errors.into_iter().next().expect("a failed lexer has errors");
        syntax_error(source, expected.as_str(), found)
    })?;
    if tokens.is_empty() {
        return Err(
            CompileError::new("the expression is empty", 0).hint(Some("use `.` for the whole input".into()))
        );
    }
    if height(&tokens) > MAX_HEIGHT {
        let message = format!("the expression has more than {MAX_HEIGHT} operators in one term");
        return Err(CompileError::new(message, 0).hint(Some("split it into several `set` tasks".into())));
    }
    if let Some(Token(word @ ("include" | "import" | "module"), Tok::Word)) = tokens.first() {
        let message = format!("`{word}` is not available in expressions");
        return Err(CompileError::new(message, offset(source, word)));
    }
    let parsed = Parser::new(&tokens).parse(Parser::term);
    parsed.map_err(|errors| {
        let (expected, found) = errors.into_iter().next().expect("a failed parser has errors");
        let expected = match expected {
            Expect::Just(token) => format!("`{token}`"),
            Expect::Nothing => "an operator or the end".to_owned(),
            other => other.as_str().to_owned(),
        };
        syntax_error(source, &expected, Token::opt_as_str(found, source))
    })
}

/// Where `part`, which was cut out of `source`, starts. Parts of the standard library count as the start.
pub(crate) fn offset(source: &str, part: &str) -> usize {
    let offset = (part.as_ptr() as usize).wrapping_sub(source.as_ptr() as usize);
    if offset <= source.len() { offset } else { 0 }
}

fn syntax_error(source: &str, expected: &str, found: &str) -> CompileError {
    let at = offset(source, found);
    let found: String = found.chars().take(24).collect();
    let message = if found.is_empty() {
        format!("expected {expected}, but the expression ends")
    } else {
        format!("expected {expected}, found `{found}`")
    };
    let hint = found.starts_with('\'').then(|| "strings need double quotes".to_owned());
    CompileError::new(message, at).hint(hint)
}

/// The lexer recurses for every bracket, so they are counted before it runs.
fn check_nesting(source: &str) -> Result<(), CompileError> {
    #[derive(PartialEq)]
    enum In {
        Code,
        String,
    }
    let mut stack = Vec::new();
    let mut bytes = source.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        let in_string = stack.last() == Some(&In::String);
        match byte {
            b'"' if in_string => drop(stack.pop()),
            b'\\' if in_string => {
                if let Some((_, b'(')) = bytes.next() {
                    stack.push(In::Code);
                }
            }
            _ if in_string => {}
            b'"' => stack.push(In::String),
            b'(' | b'[' | b'{' => stack.push(In::Code),
            b')' | b']' | b'}' => drop(stack.pop()),
            b'#' => while bytes.next().is_some_and(|(_, b)| b != b'\n') {},
            _ => {}
        }
        if stack.len() > MAX_NESTING {
            let message = format!("brackets nest more than {MAX_NESTING} levels deep");
            return Err(CompileError::new(message, at));
        }
    }
    Ok(())
}

/// An upper bound of how deep the syntax tree of these tokens is, commas aside.
fn height(tokens: &[Token<&str>]) -> usize {
    let mut highest = 0;
    let mut own = 1;
    let mut commas = 0;
    let mut below = 0;
    for Token(text, token) in tokens {
        match token {
            Tok::Block(inner) => below = below.max(height(inner)),
            Tok::Str(parts) => {
                for part in parts {
                    if let StrPart::Term(Token(_, Tok::Block(inner))) = part {
                        below = below.max(height(inner));
                    }
                }
            }
            // between commas and semicolons, trees stand side by side
            Tok::Sym if *text == "," => {
                commas += 1;
                highest = highest.max(own + below);
                (own, below) = (1, 0);
            }
            Tok::Sym if *text == ";" => {
                // a definition is above everything that follows it
                highest = highest.max(own + below);
                below = 0;
            }
            Tok::Sym if matches!(*text, "." | ".." | "?" | ":") || text.starts_with('.') => {}
            Tok::Sym => own += 1,
            Tok::Word => {
                let above = matches!(
                    *text,
                    "def" | "if" | "elif" | "try" | "reduce" | "foreach" | "label" | "as" | "and" | "or"
                );
                own += usize::from(above);
            }
            Tok::Var | Tok::Fmt | Tok::Num => {}
        }
    }
    if commas > MAX_COMMAS {
        return usize::MAX / 2;
    }
    highest.max(own + below).min(usize::MAX / 2)
}
