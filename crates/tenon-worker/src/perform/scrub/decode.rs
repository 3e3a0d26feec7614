//! Decoding what may hide a text, while remembering where each byte came from: so only what was found is replaced,
//! and the rest of an answer stays as it is. Pure.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A shorter run of digits hides nothing that is looked for in longer texts.
const SHORTEST_RUN: usize = 12;

/// Bytes that were decoded from others.
pub(super) struct Layer {
    pub(super) bytes: Vec<u8>,
    steps: Vec<Step>,
}

/// A piece that was decoded; between pieces, bytes are as they were.
struct Step {
    at: usize,
    length: usize,
    /// Where it was, and how much of it.
    from: usize,
    taken: usize,
}

/// Nothing, if there is nothing to decode.
pub(super) type Decode = fn(&[u8]) -> Option<Layer>;

/// How answers encode texts.
pub(super) const DECODERS: [Decode; 6] = [percent, form, escapes, entities, base64, hexadecimal];

// === impl Layer ===

impl Layer {
    /// Where this range of the decoded bytes came from.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let last = range.end.saturating_sub(1);
        let end = match self.place(last) {
            Ok(step) => step.from + step.taken,
            Err(before) => before + 1,
        };
        let start = match self.place(range.start) {
            Ok(step) => step.from,
            Err(before) => before,
        };
        start..end
    }

    /// The piece that a byte is of, or where a byte that is of none was.
    fn place(&self, offset: usize) -> Result<&Step, usize> {
        let next = self.steps.partition_point(|step| step.at <= offset);
        let Some(step) = next.checked_sub(1).map(|last| &self.steps[last]) else { return Err(offset) };
        let inside = offset - step.at;
        if inside < step.length { Ok(step) } else { Err(step.from + step.taken + inside - step.length) }
    }
}

/// Makes a layer from left to right.
struct Builder<'a> {
    source: &'a [u8],
    layer: Layer,
    /// How far the source has been read.
    read: usize,
}

// === impl Builder ===

impl<'a> Builder<'a> {
    fn new(source: &'a [u8]) -> Self {
        Self { source, layer: Layer { bytes: Vec::new(), steps: Vec::new() }, read: 0 }
    }

    /// What is before the piece stays.
    fn piece(&mut self, from: usize, taken: usize, decoded: &[u8]) {
        self.layer.bytes.extend_from_slice(&self.source[self.read..from]);
        self.layer.steps.push(Step { at: self.layer.bytes.len(), length: decoded.len(), from, taken });
        self.layer.bytes.extend_from_slice(decoded);
        self.read = from + taken;
    }

    /// What is before the piece goes.
    fn alone(&mut self, from: usize, taken: usize, decoded: &[u8]) {
        self.read = from;
        self.piece(from, taken, decoded);
    }

    fn end(mut self) -> Option<Layer> {
        self.layer.bytes.extend_from_slice(&self.source[self.read..]);
        (!self.layer.steps.is_empty()).then_some(self.layer)
    }
}

/// Decodes what `piece` knows and one of these bytes begins: the decoded bytes and how many it took.
fn pieces(
    source: &[u8],
    begins: impl Fn(u8) -> bool,
    piece: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>,
) -> Option<Layer> {
    let mut builder = Builder::new(source);
    let mut place = 0;
    while let Some(next) = source[place..].iter().position(|byte| begins(*byte)) {
        place += next;
        if let Some((decoded, taken)) = piece(&source[place..]) {
            builder.piece(place, taken, &decoded);
            place += taken;
        } else {
            place += 1;
        }
    }
    builder.end()
}

/// Decodes whole runs of digits, and leaves out everything else.
fn runs(
    source: &[u8],
    is_digit: fn(u8) -> bool,
    decode: impl Fn(&[u8], usize, &mut Builder<'_>),
) -> Option<Layer> {
    let mut builder = Builder::new(source);
    let mut place = 0;
    while place < source.len() {
        let length = source[place..].iter().take_while(|byte| is_digit(**byte)).count();
        if length >= SHORTEST_RUN {
            decode(&source[place..place + length], place, &mut builder);
        }
        place += length.max(1);
    }
    builder.read = source.len();
    builder.end()
}

fn percent(source: &[u8]) -> Option<Layer> {
    let piece = |source: &[u8]| match source {
        [b'%', high, low, ..] => Some((vec![half(*high)? << 4 | half(*low)?], 3)),
        _ => None,
    };
    pieces(source, |byte| byte == b'%', piece)
}

/// The same where a plus is a space.
fn form(source: &[u8]) -> Option<Layer> {
    if !source.contains(&b'%') {
        return None;
    }
    let piece = |source: &[u8]| match source {
        [b'+', ..] => Some((vec![b' '], 1)),
        [b'%', high, low, ..] => Some((vec![half(*high)? << 4 | half(*low)?], 3)),
        _ => None,
    };
    source.contains(&b'+').then(|| pieces(source, |byte| matches!(byte, b'%' | b'+'), piece)).flatten()
}

fn half(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|half| half as u8)
}

/// The escapes of JSON and its like; what is none stays.
fn escapes(source: &[u8]) -> Option<Layer> {
    let piece = |source: &[u8]| {
        let [b'\\', letter, ..] = source else { return None };
        let decoded = match letter {
            b'"' | b'\\' | b'/' | b'\'' => *letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return wide(source),
            _ => return None,
        };
        Some((vec![decoded], 2))
    };
    pieces(source, |byte| byte == b'\\', piece)
}

/// `\u1f4a`, or two of them.
fn wide(source: &[u8]) -> Option<(Vec<u8>, usize)> {
    let first = unit(source)?;
    let units = [first, source.get(6..).and_then(unit).unwrap_or(0)];
    let (letter, taken) = match char::from_u32(first.into()) {
        Some(letter) => (letter, 6),
        None => (char::decode_utf16(units).next()?.ok()?, 12),
    };
    Some((letter.to_string().into_bytes(), taken))
}

fn unit(source: &[u8]) -> Option<u16> {
    let digits = source.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// The entities of HTML and XML that encoders write.
fn entities(source: &[u8]) -> Option<Layer> {
    const LONGEST: usize = 10;
    let piece = |source: &[u8]| {
        let inside = source.strip_prefix(b"&")?;
        let end = inside.iter().take(LONGEST).position(|byte| *byte == b';')?;
        let letter = match str::from_utf8(&inside[..end]).ok()? {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let number = number.strip_prefix('#')?;
                let digits = number.strip_prefix(['x', 'X']);
                let code = digits.map_or_else(|| number.parse(), |digits| u32::from_str_radix(digits, 16));
                char::from_u32(code.ok()?)?
            }
        };
        Some((letter.to_string().into_bytes(), end + 2))
    };
    pieces(source, |byte| byte == b'&', piece)
}

/// What is text in base64 of either alphabet, or anything if there is nothing else: so bodies are shown that are no
/// text.
fn base64(source: &[u8]) -> Option<Layer> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINES: [GeneralPurpose; 2] =
        [GeneralPurpose::new(&STANDARD, LENIENT), GeneralPurpose::new(&URL_SAFE, LENIENT)];
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    let decode = |run: &[u8], place: usize, builder: &mut Builder<'_>| {
        let Some(decoded) = ENGINES.iter().find_map(|engine| engine.decode(run).ok()) else { return };
        let after = source[place + run.len()..].iter();
        let is_all = place == 0 && after.clone().all(|byte| *byte == b'=');
        if is_all || is_text(&decoded) {
            for (index, piece) in decoded.chunks(3).enumerate() {
                let from = place + 4 * index;
                builder.alone(from, 4.min(place + run.len() - from), piece);
            }
            builder.alone(place + run.len(), 0, b"\n");
        }
    };
    runs(source, is_digit, decode)
}

fn hexadecimal(source: &[u8]) -> Option<Layer> {
    let decode = |run: &[u8], place: usize, builder: &mut Builder<'_>| {
        let decoded: Vec<u8> =
            run.chunks_exact(2).filter_map(|pair| Some(half(pair[0])? << 4 | half(pair[1])?)).collect();
        if is_text(&decoded) {
            for (index, byte) in decoded.iter().enumerate() {
                builder.alone(place + 2 * index, 2, &[*byte]);
            }
            builder.alone(place + run.len(), 0, b"\n");
        }
    };
    runs(source, |byte| byte.is_ascii_hexdigit(), decode)
}

/// Whether it is text, perhaps with its last character cut off. Most runs of letters are none in base64.
fn is_text(bytes: &[u8]) -> bool {
    let is_readable = |text: &str| text.chars().all(|letter| !letter.is_control() || letter.is_whitespace());
    match str::from_utf8(bytes) {
        Ok(text) => is_readable(text),
        Err(error) => {
            let text = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            error.error_len().is_none() && is_readable(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text is decoded to, and what of it a part of that came from.
    #[track_caller]
    fn check(decode: Decode, source: &str, decoded: &str, (part, origin): (&str, &str)) {
        let layer = decode(source.as_bytes()).expect("there is something to decode");
        let text = str::from_utf8(&layer.bytes).expect("text");
        assert_eq!(text, decoded);
        let start = text.find(part).expect("a part of it");
        assert_eq!(&source[layer.origin(&(start..start + part.len()))], origin);
    }

    #[test]
    fn texts_are_decoded_and_places_are_known() {
        check(percent, "a%20b%3Cc", "a b<c", ("b<", "b%3C"));
        check(percent, "%41%zz%4", "A%zz%4", ("A%", "%41%"));
        check(form, "a+b%2Bc", "a b+c", (" b+", "+b%2B"));
        check(escapes, r#"a\"b\\c\u00e4\ud83d\ude00\x!"#, "a\"b\\cä😀\\x!", ("cä😀", r"c\u00e4\ud83d\ude00"));
        check(entities, "a&amp;b&#39;&#x3c; & c", "a&b'< & c", ("&b'<", "&amp;b&#39;&#x3c;"));
        check(base64, "= c2VjcmV0IGtleSE= x", "secret key!\n", ("ret", "cmV0"));
        check(base64, "Bearer c2VjcmV0Pz8-Pj8", "secret??>>?\n", (">>?", "Pz8-Pj8"));
        check(hexadecimal, "x 736563726574206b6579", "secret key\n", ("key", "6b6579"));
    }

    #[test]
    fn what_is_not_encoded_is_left() {
        for decode in DECODERS {
            assert!(decode(b"nothing of that kind: 100 % & more \\ than that, 4e71").is_none());
        }
        assert!(base64(b"an internationalisation").is_none());
    }
}
