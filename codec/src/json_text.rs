//! What both JSON codecs share: the checks before the parser, and values that
//! are looked at one by one.
//!
//! The checks walk the bytes once, without recursion, so that no depth of
//! nesting can reach the stack. They also make NaN and Infinity, which some
//! libraries write although JSON has neither, into numbers that are too large:
//! so they cost their own value and not the payload.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{DecodeError, Limits};

/// A JSON number that no `f64` holds.
const TOO_LARGE: &str = "1e999";

/// The payload as text, after the checks of UTF-8 and depth.
pub(crate) fn checked<'a>(payload: &'a [u8], limits: &Limits) -> Result<Cow<'a, str>, DecodeError> {
    let text = std::str::from_utf8(payload)
        .map_err(|error| DecodeError::NotUtf8 { offset: error.valid_up_to() })?;

    let mut depth = 0_usize;
    let mut non_numbers = Vec::new();
    let mut in_string = false;
    let mut i = 0;
    while i < payload.len() {
        match payload[i] {
            b'"' => in_string = !in_string,
            // The byte after a backslash never ends the string.
            b'\\' if in_string => i += 1,
            _ if in_string => (),
            b'[' | b'{' => {
                depth += 1;
                if depth > limits.depth {
                    return Err(DecodeError::TooDeep { limit: limits.depth });
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'N' | b'I' => {
                non_numbers.extend(non_number_at(payload, i));
                if non_numbers.len() > limits.readings {
                    return Err(DecodeError::TooManyReadings { limit: limits.readings });
                }
            }
            _ => (),
        }
        i += 1;
    }

    if non_numbers.is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    let mut replaced = String::with_capacity(text.len() + non_numbers.len() * TOO_LARGE.len());
    let mut copied_to = 0;
    for (start, end) in non_numbers {
        replaced.push_str(&text[copied_to..start]);
        replaced.push_str(TOO_LARGE);
        copied_to = end;
    }
    replaced.push_str(&text[copied_to..]);
    Ok(Cow::Owned(replaced))
}

/// Start and end of the word NaN or Infinity, if one stands at `start` where a
/// value may stand.
fn non_number_at(payload: &[u8], start: usize) -> Option<(usize, usize)> {
    let word =
        [&b"NaN"[..], b"Infinity"].into_iter().find(|word| payload[start..].starts_with(word))?;
    let end = start + word.len();
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let before_fits = start.checked_sub(1).is_none_or(|before| {
        let byte = payload[before];
        is_space(byte) || matches!(byte, b':' | b',' | b'[' | b'-')
    });
    let after_fits =
        payload.get(end).is_none_or(|&byte| is_space(byte) || matches!(byte, b',' | b']' | b'}'));
    (before_fits && after_fits).then_some((start, end))
}

/// One value, not yet judged. Nested ones are skipped, not built.
#[derive(Debug, PartialEq)]
pub(crate) enum Token<'a> {
    /// As written; its grammar is JSON's.
    Number(&'a str),
    Text(Cow<'a, str>),
    Bool(bool),
    /// As written.
    Array(&'a str),
    Object,
    Null,
    /// A text with an escape that stands for no character: a lone surrogate.
    BrokenText,
}

impl<'a> Token<'a> {
    fn of(raw: &'a str) -> Token<'a> {
        match raw.as_bytes() {
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
                Token::Text(Cow::Borrowed(&raw[1..raw.len() - 1]))
            }
            [b'"', ..] => match serde_json::from_str::<String>(raw) {
                Ok(text) => Token::Text(Cow::Owned(text)),
                Err(_) => Token::BrokenText,
            },
            [b'[', ..] => Token::Array(raw),
            [b'{', ..] => Token::Object,
            [b't', ..] => Token::Bool(true),
            [b'f', ..] => Token::Bool(false),
            [b'n', ..] => Token::Null,
            _ => Token::Number(raw),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Token::Number(_) => "a number",
            Token::Text(_) => "a text",
            Token::Bool(_) => "a boolean",
            Token::Array(_) => "an array",
            Token::Object => "an object",
            Token::Null => "null",
            Token::BrokenText => "a text with a broken escape",
        }
    }
}

impl<'de> Deserialize<'de> for Token<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Token<'de>, D::Error> {
        Ok(Token::of(<&RawValue>::deserialize(deserializer)?.get()))
    }
}

/// The nearest `f64`; infinite when there is none.
pub(crate) fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &str, expected: Result<&str, &str>) {
        let found = checked(payload.as_bytes(), &Limits::default());
        assert_eq!(found.as_deref().map_err(|error| error.code()), expected);
    }

    #[test]
    fn depth_counts_outside_strings_only() {
        let nested = format!("{}{}", "[".repeat(16), "]".repeat(16));
        check(&nested, Ok(&nested));
        check(&format!("[{nested}]"), Err("too_deep"));
        let quoted = format!(r#"{{"a\"{}":1}}"#, "[".repeat(99));
        check(&quoted, Ok(&quoted));
        check(&"[".repeat(100_000), Err("too_deep"));
        check("]]]][[", Ok("]]]][["));
    }

    #[test]
    fn words_that_are_no_numbers_become_too_large() {
        check("[NaN, -Infinity ,Infinity]", Ok("[1e999, -1e999 ,1e999]"));
        check(r#"{"NaN":NaN}"#, Ok(r#"{"NaN":1e999}"#));
        for refused in ["[1NaN]", "[NaN1]", "[Infinityy]", "[Nan]", "[xInfinity]"] {
            check(refused, Ok(refused));
        }
    }

    #[test]
    fn an_ending_inside_an_escape_is_left_to_the_parser() {
        check("\"\\", Ok("\"\\"));
        assert_eq!(checked(b"[\xff]", &Limits::default()).unwrap_err().code(), "not_utf8");
    }

    #[test]
    fn tokens_tell_what_they_are() {
        let token = |text| serde_json::from_str::<Token<'_>>(text).unwrap();
        assert_eq!(token(" 1e400 "), Token::Number("1e400"));
        assert_eq!(token(r#""a\u6c34""#), Token::Text("a水".into()));
        assert_eq!(token(r#""\ud800""#), Token::BrokenText);
        assert_eq!(token("[[1],{}]"), Token::Array("[[1],{}]"));
        assert_eq!(token("null"), Token::Null);
    }
}
