//! The `senml-cbor` codec, pack by pack, written in hexadecimal.

use codec::Codec;

use crate::{decode_bytes, summary};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[track_caller]
fn check(hex: &str, expected: &[&str]) {
    let found = summary(decode_bytes(Codec::SenmlCbor, &bytes(hex)));
    assert_eq!(found, expected.join("\n"), "{hex}");
}

/// One record of name `a` and this value, before one that must survive.
#[track_caller]
fn check_value(value: &str, expected: &str) {
    let good = "A2 00 61 67 02 01";
    let pack = format!("82 A2 00 61 61 02 {value} {good}");
    let good = "g 1.0 arrival";
    if expected.starts_with('#') {
        check(&pack, &[good, expected]);
    } else {
        check(&pack, &[&format!("a {expected} arrival"), good]);
    }
}

#[test]
fn labels_are_integers_or_their_texts() {
    // -2 base name "rain-017/", -3 base time, 0 name "rainfall_depth", 1 unit "mm", 2 value 0.4;
    // then "n" and "v" as texts.
    let base = "A5 21 69 7261696E2D3031372F 22 FB 41DA9900E887DF3B";
    let first = "00 6E 7261696E66616C6C5F6465707468 01 62 6D6D 02 FB 3FD999999999999A";
    let second = "A2 61 6E 61 62 61 76 05";
    check(
        &format!("82 {base} {first} {second}"),
        &["rainfall_depth 0.4 mm 1784939426123", "b 5.0 1784939426123"],
    );
}

#[test]
fn every_kind_of_number_is_read() {
    check_value("00", "0.0");
    check_value("39 01F3", "-500.0");
    check_value("1B FFFFFFFFFFFFFFFF", "1.8446744073709552e19");
    check_value("3B FFFFFFFFFFFFFFFF", "-1.8446744073709552e19");
    check_value("F9 3E00", "1.5");
    check_value("F9 8000", "-0.0");
    check_value("FA 3FC00000", "1.5");
    check_value("FB 3FB999999999999A", "0.1");
    // Decimal fractions: 273.15, then 4 · 10^-1 with an exponent of one byte.
    check_value("C4 82 21 19 6AB3", "273.15");
    check_value("C4 82 38 00 04", "0.4");
    check_value("C2 49 010000000000000000", "1.8446744073709552e19");
}

#[test]
fn other_values_cost_their_own_record() {
    check_value("F9 7E00", "#/0/v not_finite");
    check_value("F9 7C00", "#/0/v not_finite");
    check_value("FB FFF0000000000000", "#/0/v not_finite");
    check_value("C4 82 19 0190 01", "#/0/v not_finite");
    check_value("61 33", "#/0/v bad_value");
    check_value("41 33", "#/0/v bad_value");
    check_value("5F 41 33 41 34 FF", "#/0/v bad_value");
    check_value("F6", "#/0/v bad_value");
    check_value("F7", "#/0/v bad_value");
    check_value("F5", "#/0/v bad_value");
    check_value("82 01 A1 02 03", "#/0/v bad_value");
    check_value("9F 01 9F FF FF", "#/0/v bad_value");
    check_value("BF 01 02 FF", "#/0/v bad_value");
    check_value("C1 1A 6A640000", "#/0/v bad_value");
}

#[test]
fn indefinite_lengths_are_read() {
    check("9F BF 00 7F 61 61 61 62 FF 02 01 FF FF", &["ab 1.0 arrival"]);
}

#[test]
fn unknown_labels_of_any_kind_are_skipped() {
    let record = "18 63 81 01  38 63 01  41 00 02  80 03  F4 04  F9 3C00 05  C1 00 06  F6 07";
    let more = "A1 00 00 08  1B FFFFFFFFFFFFFFFF 09  3B FFFFFFFFFFFFFFFF 0A  C2 41 01 0B";
    check(&format!("81 AE 00 61 61 02 01 {record} {more}"), &["a 1.0 arrival"]);
    check("81 A3 00 61 61 02 01 62 78 5F 01", &["unknown_label"]);
    check("81 A3 00 61 61 02 01 61 6E 61 62", &["duplicate_key"]);
}

#[test]
fn what_is_not_well_formed_is_refused() {
    check("", &["syntax"]);
    check("80", &["empty"]);
    check("A2 00 61 61 02 01", &["syntax"]);
    check("81 01", &["syntax"]);
    check("81 A2 00 61 61 02", &["syntax"]);
    check("81 A2 00 61 61 02 01 00", &["syntax"]);
    check("81 A2 00 61 FF 02 01", &["not_utf8"]);
    check("81 A2 00 61 61 02 C4 83 00 01 02", &["syntax"]);
    check("81 A2 00 61 61 02 C4 81 00", &["syntax"]);
    check("81 A2 00 61 61 02 F8 FF", &["syntax"]);
}
