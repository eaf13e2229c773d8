//! The `senml` codec, pack by pack.

use codec::Codec;

use crate::{decode_bytes, summary};

#[track_caller]
fn check(payload: &str, expected: &[&str]) {
    let found = summary(decode_bytes(Codec::Senml, payload.as_bytes()));
    assert_eq!(found, expected.join("\n"), "{payload}");
}

/// A record beside a good one, which must survive.
#[track_caller]
fn check_record(record: &str, expected: &str) {
    check(&format!(r#"[{{"n":"good","v":1}},{record}]"#), &["good 1.0 arrival", expected]);
}

#[test]
fn the_example_of_the_contract() {
    check(
        r#"[{"bn":"rain-017/","bt":1784938530.123,"n":"rainfall_depth","u":"mm","v":0.4},
            {"n":"battery_voltage","u":"V","v":3.71}]"#,
        &["rainfall_depth 0.4 mm 1784938530123", "battery_voltage 3.71 V 1784938530123"],
    );
}

#[test]
fn base_fields_hold_until_they_are_replaced() {
    check(
        r#"[{"bver":10,"bn":"rain-017/water_","bt":1784938530,"bu":"mm","bv":100},
            {"n":"level","v":1,"t":-0.25},
            {"n":"level:2","v":1,"u":"m"},
            {"bn":"","bv":0,"n":"tide_level","v":1,"bt":0},
            {"bu":"Cel","n":"air_temperature","v":-0.5,"t":-5}]"#,
        &[
            "water_level 101.0 mm 1784938529750",
            "water_level:2 101.0 m 1784938530000",
            "tide_level 1.0 mm arrival",
            "air_temperature -0.5 Cel arrival-5000",
        ],
    );
}

#[test]
fn times_below_two_to_the_28_are_relative() {
    let time = |seconds: &str, expected: &str| {
        check_record(&format!(r#"{{"n":"a","v":0,"t":{seconds}}}"#), expected);
    };
    check(r#"[{"n":"a","v":0,"t":0}]"#, &["a 0.0 arrival"]);
    check(r#"[{"n":"a","v":0,"t":-0.0004}]"#, &["a 0.0 arrival"]);
    check(r#"[{"n":"a","v":0,"t":60}]"#, &["a 0.0 arrival+60000"]);
    check(r#"[{"n":"a","v":0,"t":268435455.999}]"#, &["a 0.0 arrival+268435455999"]);
    check(r#"[{"n":"a","v":0,"t":268435456}]"#, &["a 0.0 268435456000"]);
    check(r#"[{"n":"a","v":0,"t":1.784938530123e9}]"#, &["a 0.0 1784938530123"]);
    time("-268435456", "#/1/t bad_time");
    time("253402300800", "#/1/t bad_time");
    time("1e300", "#/1/t bad_time");
    time("1e400", "#/1/t bad_time");
    time("-1e400", "#/1/t bad_time");
    time("NaN", "#/1/t bad_time");
    time(r#""2026-07-25T08:15:30Z""#, "#/1/t bad_time");
}

#[test]
fn names_are_of_the_thing_that_sent_them() {
    check(r#"[{"n":"rain-017/water_level:2","v":1}]"#, &["water_level:2 1.0 arrival"]);
    check_record(r#"{"n":"rain-018/water_level","v":1}"#, "#/1/n wrong_thing");
    check_record(r#"{"n":"urn:dev:ow:10e2073a01080063:temp","v":1}"#, "#/1/n wrong_thing");
    check_record(r#"{"n":"urn:dev:mac:0024befffe804ff1/temp","v":1}"#, "#/1/n wrong_thing");
    check_record(r#"{"n":"/water_level","v":1}"#, "#/1/n bad_name");
    check_record(r#"{"n":"rain-017/a/b","v":1}"#, "#/1/n bad_name");
    check_record(r#"{"n":"rain-017#a","v":1}"#, "#/1/n bad_name");
    check_record(r#"{"n":"水位","v":1}"#, "#/1/n bad_name");
    check_record(r#"{"n":5,"v":1}"#, "#/1/n bad_name");
    check_record(r#"{"v":1}"#, "#/1/n bad_name");
    check_record(&format!(r#"{{"n":"{}","v":1}}"#, "a".repeat(257)), "#/1/n string_too_long");
    let base = format!(r#"[{{"bn":"{}","n":"a","v":1}}]"#, "a".repeat(256));
    check(&base, &["#/0/n string_too_long"]);
}

#[test]
fn one_value_for_each_record() {
    check(
        r#"[{"n":"a","vb":true},{"n":"b","vb":false,"bv":7},{"n":"c","v":1,"s":20,"bs":3,"ut":9}]"#,
        &["a 1.0 arrival", "b 0.0 arrival", "c 8.0 arrival"],
    );
    check(r#"[{"n":"a","v":-0.0}]"#, &["a -0.0 arrival"]);
    check_record(r#"{"n":"a","v":"3"}"#, "#/1/v bad_value");
    check_record(r#"{"n":"a","v":null}"#, "#/1/v bad_value");
    check_record(r#"{"n":"a","v":true}"#, "#/1/v bad_value");
    check_record(r#"{"n":"a","vb":1}"#, "#/1/vb bad_value");
    check_record(r#"{"n":"a","vs":"open"}"#, "#/1/vs bad_value");
    check_record(r#"{"n":"a","vd":"aGk"}"#, "#/1/vd bad_value");
    check_record(r#"{"n":"a","v":1e400}"#, "#/1/v not_finite");
    check_record(r#"{"n":"a","v":NaN}"#, "#/1/v not_finite");
    check_record(r#"{"n":"a","bv":1.5e308,"v":1.5e308}"#, "#/1/v not_finite");
    check_record(r#"{"n":"a","v":1,"vs":"1"}"#, "#/1 several_values");
    check_record(r#"{"n":"a","s":1}"#, "#/1/s sum_without_value");
    check_record(r#"{"n":"a"}"#, "#/1 missing_value");
    check_record("{}", "#/1/n bad_name");
}

#[test]
fn units_are_senml_names_or_ucum_codes() {
    let unit = |written: &str, expected: &str| {
        let expected = format!("a 1.0 {expected} arrival");
        check(&format!(r#"[{{"n":"a","u":"{written}","v":1}}]"#), &[&expected]);
    };
    unit("%RH", "%");
    unit("/100", "%");
    unit("/", "10*0");
    unit("l", "L");
    unit("lon", "deg");
    unit("mm/h", "mm/h");
    unit("ug/m3", "ug/m3");
    unit("kn", "[kn_i]");
    unit("%{LEL}", "%{LEL}");
    unit("{person}", "{person}");
    check_record(r#"{"n":"a","v":1,"u":"furlong"}"#, "#/1/u unknown_unit");
    check_record(r#"{"n":"a","v":1,"u":""}"#, "#/1/u unknown_unit");
    check_record(r#"{"n":"a","v":1,"u":7}"#, "#/1/u unknown_unit");
    check_record(r#"{"n":"a","v":1,"bu":"furlong"}"#, "#/1/u unknown_unit");
}

#[test]
fn some_labels_refuse_the_pack() {
    let good = r#"{"n":"a","v":1}"#;
    let pack = |record: &str, expected: &str| check(&format!("[{good},{record}]"), &[expected]);
    pack(r#"{"n":"b","v":1,"frequency_":2}"#, "unknown_label");
    pack(r#"{"bver":11,"n":"b","v":1}"#, "unsupported_version");
    pack(r#"{"bver":"10","n":"b","v":1}"#, "unsupported_version");
    pack(r#"{"bver":0,"n":"b","v":1}"#, "unsupported_version");
    pack(r#"{"bver":NaN,"n":"b","v":1}"#, "unsupported_version");
    pack(r#"{"bn":7,"n":"b","v":1}"#, "bad_base_field");
    pack(r#"{"bt":"7","n":"b","v":1}"#, "bad_base_field");
    pack(r#"{"bu":7,"n":"b","v":1}"#, "bad_base_field");
    pack(r#"{"bv":true,"n":"b","v":1}"#, "bad_base_field");
    pack(r#"{"n":"b","n":"c","v":1}"#, "duplicate_key");
    check(r#"[{"n":"b","v":1,"frequency":[{"a":"_"}],"0":7}]"#, &["b 1.0 arrival"]);
}

#[test]
fn a_pack_is_an_array_with_a_reading() {
    check("[]", &["empty"]);
    check(r#"[{"bn":"rain-017/"}]"#, &["empty"]);
    check(r#"{"n":"a","v":1}"#, &["syntax"]);
    check("[1]", &["syntax"]);
    check("[[]]", &["syntax"]);
    check(r#"[{"n":"a","v":1}]]"#, &["syntax"]);
    check("", &["syntax"]);
    assert_eq!(summary(decode_bytes(Codec::Senml, b"[{\"n\":\"\xff\"}]")), "not_utf8");
}
