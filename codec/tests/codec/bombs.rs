//! Payloads built to hurt: deep, large, or lying about their length.

use std::fmt::Write;

use codec::{Codec, Limits};

use crate::{decode_bytes, summary};

#[track_caller]
fn check(codec: Codec, payload: &[u8], expected: &str) {
    assert_eq!(summary(decode_bytes(codec, payload)), expected);
}

/// `n` times `item(i)`, with commas between.
fn list(n: usize, item: impl Fn(usize) -> String) -> String {
    (0..n).map(item).collect::<Vec<_>>().join(",")
}

#[test]
fn nesting_ends_at_the_limit_and_not_on_the_stack() {
    for codec in [Codec::Json, Codec::Senml] {
        check(codec, "[".repeat(100_000).as_bytes(), "too_deep");
        check(codec, r#"{"values":"#.repeat(26_000).as_bytes(), "too_deep");
        let below =
            format!(r#"{{"values":{{"a":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        check(codec, below.as_bytes(), "too_deep");
    }
    check(Codec::SenmlCbor, &[0x81; 100_000], "too_deep");
    check(Codec::SenmlCbor, &[[0x81].as_slice(), &[0xC4; 100_000]].concat(), "too_deep");
}

#[test]
fn no_more_than_the_limit_is_read() {
    let values = |n| format!(r#"{{"values":{{{}}}}}"#, list(n, |i| format!(r#""v{i}":1"#)));
    let decoded = decode_bytes(Codec::Json, values(1_000).as_bytes()).unwrap();
    assert_eq!(decoded.readings.len(), 1_000);
    check(Codec::Json, values(1_001).as_bytes(), "too_many_readings");
    check(Codec::Json, values(20_000).as_bytes(), "too_many_readings");
    check(Codec::Json, values(1_000_000).as_bytes(), "payload_too_large");
    let bad = format!(r#"{{"values":{{{}}}}}"#, list(1_001, |i| format!(r#""V{i}":1"#)));
    check(Codec::Json, bad.as_bytes(), "too_many_readings");
    let with_position =
        format!(r#"{{"values":{{{}}},"position":[1,2]}}"#, list(999, |i| format!(r#""v{i}":1"#)));
    check(Codec::Json, with_position.as_bytes(), "too_many_readings");

    for codec in [Codec::Json, Codec::Senml] {
        let non_numbers = format!("[{}]", list(60_000, |_| "NaN".into()));
        check(codec, non_numbers.as_bytes(), "too_many_readings");
        check(
            codec,
            format!("[{}]", list(80_000, |_| "{}".into())).as_bytes(),
            "too_many_readings",
        );
    }
    let records = format!("[{}]", list(1_001, |_| r#"{"n":"a","v":1}"#.into()));
    check(Codec::Senml, records.as_bytes(), "too_many_readings");
    let base_only = format!("[{}]", list(1_001, |_| r#"{"bt":1}"#.into()));
    check(Codec::Senml, base_only.as_bytes(), "too_many_readings");
    check(Codec::SenmlCbor, &[[0x9F].as_slice(), &[0xA0; 200_000]].concat(), "too_many_readings");
}

#[test]
fn a_payload_is_measured_before_it_is_read() {
    let limit = Limits::default().payload_bytes;
    for codec in Codec::ALL {
        check(codec, &vec![b' '; limit + 1], "payload_too_large");
        assert_ne!(summary(decode_bytes(codec, &vec![b' '; limit])), "payload_too_large");
    }
}

#[test]
fn a_declared_length_allocates_nothing() {
    for major in [0x40, 0x60, 0x80, 0xA0] {
        let head = [0x81, major | 0x1B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00];
        check(Codec::SenmlCbor, &head, "syntax");
    }
}

#[test]
fn long_texts_and_numbers_cost_their_own_value() {
    let digits = "9".repeat(100_000);
    let payload = format!(r#"{{"values":{{"a":{digits},"b":0.{digits},"c":"{digits}","d":2}}}}"#);
    check(Codec::Json, payload.as_bytes(), "payload_too_large");
    let payload = format!(r#"{{"values":{{"a":{digits},"b":0.{digits},"d":2}}}}"#);
    check(Codec::Json, payload.as_bytes(), "b 1.0 arrival\nd 2.0 arrival\n#/values/a not_finite");
    let pack = format!(r#"[{{"n":"a","vs":"{digits}"}},{{"n":"b","u":"{digits}","v":1}}]"#);
    check(Codec::Senml, pack.as_bytes(), "#/0/vs bad_value\n#/1/u unknown_unit");
}

#[test]
fn escapes_that_stand_for_nothing_are_refused() {
    let mut surrogates = String::new();
    for code in 0xD800..0xE000 {
        write!(surrogates, "\\u{code:04x}x").unwrap();
    }
    let payload = format!(r#"{{"time":"{surrogates}","values":{{"a":1}}}}"#);
    check(Codec::Json, payload.as_bytes(), "#/values/a bad_time");
    let payload = format!(r#"[{{"n":"{surrogates}","v":1}}]"#);
    check(Codec::Senml, payload.as_bytes(), "#/0/n bad_name");
    let payload = format!(r#"{{"{surrogates}":1}}"#);
    check(Codec::Json, payload.as_bytes(), "syntax");
}
