//! JSON pointers (RFC 6901) as URI fragments: `#/2/values/water_level`.

use std::fmt::Write;

/// How much of a key a pointer repeats, in bytes.
const KEY_MAX: usize = 128;

/// `index` is the place in the payload's array, `None` for a lone object.
pub(crate) fn pointer(index: Option<usize>, keys: &[&str]) -> String {
    let mut out = String::from("#");
    if let Some(index) = index {
        write!(out, "/{index}").expect("a string takes all text");
    }
    for key in keys {
        out.push('/');
        push_key(&mut out, key);
    }
    out
}

/// `~` and `/` as RFC 6901 asks; then percent signs for all but plain ASCII,
/// so a pointer never carries control characters or foreign text as it is.
fn push_key(out: &mut String, key: &str) {
    for &byte in key.as_bytes().iter().take(KEY_MAX) {
        match byte {
            b'~' => out.push_str("~0"),
            b'/' => out.push_str("~1"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' | b'@' => {
                out.push(char::from(byte));
            }
            _ => write!(out, "%{byte:02X}").expect("a string takes all text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(index: Option<usize>, keys: &[&str], expected: &str) {
        assert_eq!(pointer(index, keys), expected);
    }

    #[test]
    fn keys_are_escaped() {
        check(Some(2), &["values", "water_level:2"], "#/2/values/water_level:2");
        check(None, &["values", "a/b~c"], "#/values/a~1b~0c");
        check(None, &["values", "水\n"], "#/values/%E6%B0%B4%0A");
        check(None, &[], "#");
    }

    #[test]
    fn long_keys_are_cut() {
        assert_eq!(pointer(None, &["\u{1}".repeat(9_999).as_str()]).len(), 2 + 3 * KEY_MAX);
    }
}
