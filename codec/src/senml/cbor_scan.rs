//! Walks a CBOR pack before it is read: well-formed, in depth, nothing
//! declared longer than what is there, not too many records, nothing behind.
//!
//! The walk has its own stack, no recursion, and allocates nothing that the
//! payload declares. After it ciborium can neither run deep nor grow large.

use crate::{DecodeError, Limits};

const MAJOR_BYTES: u8 = 2;
const MAJOR_TEXT: u8 = 3;
const MAJOR_ARRAY: u8 = 4;
const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;
const BREAK: u8 = 0xFF;

/// An array, map or tag that is not at its end.
struct Open {
    /// Items to come; `None` until a break.
    items: Option<u64>,
    /// Keys and values must pair up; counts the items of an indefinite map.
    is_map: bool,
    n_seen: u64,
}

pub(super) fn check(payload: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    let mut walk = Walk { payload, at: 0, limits };
    let mut open: Vec<Open> = Vec::new();
    let mut n_records = 0_usize;
    if payload.first().is_some_and(|first| first >> 5 != MAJOR_ARRAY) {
        return Err(walk.malformed("a pack is an array of records"));
    }
    walk.item(&mut open)?;
    while let Some(innermost) = open.last_mut() {
        let is_at_end = match innermost.items {
            Some(items) => items == innermost.n_seen,
            None => walk.takes_break()?,
        };
        if is_at_end {
            if innermost.is_map && innermost.n_seen % 2 == 1 {
                return Err(walk.malformed("a map ends after a key"));
            }
            open.pop();
            continue;
        }
        innermost.n_seen += 1;
        if open.len() == 1 {
            n_records += 1;
            if n_records > limits.readings {
                return Err(DecodeError::TooManyReadings { limit: limits.readings });
            }
        }
        walk.item(&mut open)?;
    }
    if walk.at < payload.len() {
        return Err(walk.malformed("bytes follow the pack"));
    }
    Ok(())
}

struct Walk<'a> {
    payload: &'a [u8],
    at: usize,
    limits: &'a Limits,
}

impl Walk<'_> {
    fn malformed(&self, what: &str) -> DecodeError {
        DecodeError::Syntax(format!("no cbor at byte {}: {what}", self.at))
    }

    fn take(&mut self, n: u64) -> Result<&[u8], DecodeError> {
        let left = &self.payload[self.at..];
        match usize::try_from(n).ok().and_then(|n| left.get(..n)) {
            Some(taken) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => Err(self.malformed("the payload ends before what it declares")),
        }
    }

    fn takes_break(&mut self) -> Result<bool, DecodeError> {
        let is_break = self.payload.get(self.at) == Some(&BREAK);
        if is_break {
            self.take(1)?;
        }
        Ok(is_break)
    }

    /// Major type, and the argument (`None` for an indefinite length).
    fn head(&mut self) -> Result<(u8, Option<u64>), DecodeError> {
        let &[first] = self.take(1)? else {
            return Err(self.malformed("an item is missing"));
        };
        let major = first >> 5;
        let n_bytes = match first & 0x1F {
            small @ 0..=23 => return Ok((major, Some(u64::from(small)))),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            31 if (MAJOR_BYTES..=MAJOR_MAP).contains(&major) => return Ok((major, None)),
            _ => return Err(self.malformed("a length has no meaning")),
        };
        let bytes = self.take(n_bytes)?;
        let argument = bytes.iter().fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
        Ok((major, Some(argument)))
    }

    /// One item; what it contains is left to the caller, by way of `open`.
    fn item(&mut self, open: &mut Vec<Open>) -> Result<(), DecodeError> {
        let (major, argument) = self.head()?;
        let (items, is_map) = match (major, argument) {
            (MAJOR_BYTES | MAJOR_TEXT, Some(n_bytes)) => return self.string(major, n_bytes),
            (MAJOR_BYTES | MAJOR_TEXT, None) => return self.string_of_chunks(major),
            (MAJOR_ARRAY, items) => (items, false),
            (MAJOR_MAP, Some(pairs)) => match pairs.checked_mul(2) {
                Some(items) => (Some(items), true),
                None => return Err(self.malformed("the payload ends before what it declares")),
            },
            (MAJOR_MAP, None) => (None, true),
            (MAJOR_TAG, _) => (Some(1), false),
            _ => return Ok(()),
        };
        let n_left = (self.payload.len() - self.at) as u64;
        if items.is_some_and(|items| n_left < items) {
            return Err(self.malformed("the payload ends before what it declares"));
        }
        if open.len() >= self.limits.depth {
            return Err(DecodeError::TooDeep { limit: self.limits.depth });
        }
        open.push(Open { items, is_map, n_seen: 0 });
        Ok(())
    }

    fn string(&mut self, major: u8, n_bytes: u64) -> Result<(), DecodeError> {
        let start = self.at;
        let bytes = self.take(n_bytes)?;
        if major == MAJOR_TEXT
            && let Err(error) = std::str::from_utf8(bytes)
        {
            return Err(DecodeError::NotUtf8 { offset: start + error.valid_up_to() });
        }
        Ok(())
    }

    fn string_of_chunks(&mut self, major: u8) -> Result<(), DecodeError> {
        while !self.takes_break()? {
            match self.head()? {
                (chunk, Some(n_bytes)) if chunk == major => self.string(major, n_bytes)?,
                _ => return Err(self.malformed("a string has a chunk of another kind")),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_code(payload: &[u8], expected: Result<(), &str>) {
        let limits = Limits { readings: 3, depth: 4, ..Limits::default() };
        assert_eq!(check(payload, &limits).map_err(|error| error.code()), expected);
    }

    #[test]
    fn definite_and_indefinite_items_are_walked_to_their_end() {
        check_code(&[0x80], Ok(()));
        check_code(&[0x81, 0xA1, 0x02, 0xF9, 0x3C, 0x00], Ok(()));
        check_code(&[0x9F, 0xBF, 0x00, 0x7F, 0x61, b'a', 0x61, b'b', 0xFF, 0xFF, 0xFF], Ok(()));
        check_code(&[0x81, 0xC4, 0x82, 0x20, 0x18, 0x2A], Ok(()));
    }

    #[test]
    fn what_is_cut_or_declared_too_long_is_refused() {
        check_code(&[], Err("syntax"));
        check_code(&[0x81], Err("syntax"));
        check_code(&[0x9F, 0x01], Err("syntax"));
        check_code(&[0x81, 0x7B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], Err("syntax"));
        check_code(&[0x81, 0x9B, 0, 0, 1, 0, 0, 0, 0, 0], Err("syntax"));
        check_code(&[0x81, 0xBB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], Err("syntax"));
        check_code(&[0x80, 0x80], Err("syntax"));
        check_code(&[0xA1, 0x02, 0x00], Err("syntax"));
        check_code(&[0xD9, 0xD9, 0xF7, 0x80], Err("syntax"));
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        check_code(&[0x81, 0xFF], Err("syntax"));
        check_code(&[0x81, 0xBF, 0x00, 0xFF], Err("syntax"));
        check_code(&[0x81, 0x1C], Err("syntax"));
        check_code(&[0x81, 0x7F, 0x41, b'a', 0xFF], Err("syntax"));
        check_code(&[0x81, 0x61, 0xFF], Err("not_utf8"));
    }

    #[test]
    fn depth_and_records_are_limited() {
        check_code(&[0x81, 0x81, 0x81, 0x80], Ok(()));
        check_code(&[0x81, 0x81, 0x81, 0x81, 0x80], Err("too_deep"));
        check_code(&[0x81, 0xC1, 0xC1, 0xC1, 0xC1, 0x00], Err("too_deep"));
        check_code(&[0x9F; 100_000], Err("too_deep"));
        check_code(&[0x83, 0, 0, 0], Ok(()));
        check_code(&[0x84, 0, 0, 0, 0], Err("too_many_readings"));
        check_code(&[0x9F, 0, 0, 0, 0, 0xFF], Err("too_many_readings"));
    }
}
