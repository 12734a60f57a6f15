//! Words of a text.

use super::{Problem, TextError};

/// The longest text that is read: positions in it are kept in 32 bits.
const LONGEST: usize = u32::MAX as usize;

/// What a stretch of a text is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word {
    Number(f64),
    /// A name as it stands, or between back quotes.
    Name,
    Quoted,
    /// One of `+ - * / ^ ( ) , ; =`.
    Sign(u8),
    End,
}

/// A word with the bytes where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The bytes as a text, if they are one.
pub(super) fn text(bytes: &[u8]) -> Result<&str, TextError> {
    if bytes.len() > LONGEST {
        return Err(TextError::new(Problem::TooLong { bytes: bytes.len(), most: LONGEST }, "", 0, 0));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let readable = &bytes[..error.valid_up_to()];
        let text = format!("{}\u{fffd}", std::str::from_utf8(readable).expect("it is valid up to there"));
        TextError::new(Problem::NotUtf8, &text, readable.len(), text.len())
    })
}

/// Reads the words of a text one after the other.
#[derive(Clone, Debug)]
pub(super) struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Words<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word; at the end, again and again, [`Word::End`].
    pub(super) fn next(&mut self) -> Result<Token, TextError> {
        let rest = self.text[self.at..].trim_start();
        let start = self.text.len() - rest.len();
        let token = |word, length: usize| Token { word, start, end: start + length };
        let token = match rest.chars().next() {
            None => token(Word::End, 0),
            Some(sign) if "+-*/^(),;=".contains(sign) => token(Word::Sign(rest.as_bytes()[0]), 1),
            Some('`') => token(Word::Quoted, self.quoted(rest, start)?),
            Some(digit) if digit.is_ascii_digit() || digit == '.' => {
                let length = number(rest);
                let value: f64 = rest[..length].parse().map_err(|_| self.stray(start, digit))?;
                if value.is_infinite() {
                    return Err(TextError::new(Problem::NumberTooLarge, self.text, start, start + length));
                }
                token(Word::Number(value), length)
            }
            Some(_) => match name(rest) {
                0 => return Err(self.stray(start, rest.chars().next().unwrap_or(' '))),
                length => token(Word::Name, length),
            },
        };
        self.at = token.end;
        Ok(token)
    }

    fn stray(&self, start: usize, found: char) -> TextError {
        let problem = Problem::Unexpected {
            expected: "a number, a name or an operator",
            found: format!("`{}`", found.escape_debug()),
        };
        TextError::new(problem, self.text, start, start + found.len_utf8())
    }

    /// The length of a name between back quotes, in which two of them stand for one.
    fn quoted(&self, rest: &str, start: usize) -> Result<usize, TextError> {
        let mut at = 1;
        loop {
            match rest[at..].find('`') {
                None => return Err(TextError::new(Problem::Unclosed, self.text, start, start + 1)),
                Some(length) if rest[at + length + 1..].starts_with('`') => at += length + 2,
                Some(length) => return Ok(at + length + 1),
            }
        }
    }
}

/// The length of the number at the start of a text.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length += 1;
        length += digits(length);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits((length + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// The length of the name at the start of a text: 0 if there is none.
pub(super) fn name(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    if characters.next_if(|&(_, first)| first.is_alphabetic() || first == '_').is_none() {
        return 0;
    }
    while characters.next_if(|&(_, next)| next.is_alphanumeric() || next == '_').is_some() {}
    let length = characters.peek().map_or(text.len(), |&(at, _)| at);
    let index = text[length..].strip_prefix('[').and_then(|index| index.split_once(']'));
    match index {
        Some((index, _)) if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => {
            length + index.len() + 2
        }
        _ => length,
    }
}

/// The name that a word stands for.
pub(super) fn unquoted(word: &str) -> String {
    match word.strip_prefix('`').and_then(|word| word.strip_suffix('`')) {
        Some(inner) => inner.replace("``", "`"),
        None => word.to_owned(),
    }
}
