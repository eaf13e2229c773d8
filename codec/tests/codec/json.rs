//! The `json` codec, payload by payload.

use codec::{Codec, Sequence};

use crate::{decode_bytes, summary};

#[track_caller]
fn check(payload: &str, expected: &[&str]) {
    let found = summary(decode_bytes(Codec::Json, payload.as_bytes()));
    assert_eq!(found, expected.join("\n"), "{payload}");
}

#[track_caller]
fn check_value(written: &str, expected: &str) {
    check(&format!(r#"{{"values":{{"x":{written},"y":1}}}}"#), &["y 1.0 arrival", expected]);
}

#[test]
fn the_example_of_the_contract() {
    check(
        r#"{"time":"2026-07-25T08:15:30.123+08:00","seq":4711,"boot":12,
            "values":{"rainfall_depth":0.4,"battery_voltage":3.71},"position":[121.95,29.21]}"#,
        &[
            "rainfall_depth 0.4 1784938530123",
            "battery_voltage 3.71 1784938530123",
            "position_longitude 121.95 1784938530123",
            "position_latitude 29.21 1784938530123",
        ],
    );
}

#[test]
fn members_come_in_any_order() {
    check(
        r#"[{"values":{"water_level:2":-0.0},"since":1784938500000,"time":1784938530123},
            {"position":[-180,90],"values":{"a":1e-7},"time":1784938530124,"since":0}]"#,
        &[
            "water_level:2 -0.0 1784938530123 since 1784938500000",
            "a 1e-7 1784938530124 since 0",
            "position_longitude -180.0 1784938530124",
            "position_latitude 90.0 1784938530124",
        ],
    );
}

#[test]
fn without_time_a_reading_has_that_of_its_arrival() {
    check(r#"{"values":{"a":1}}"#, &["a 1.0 arrival"]);
    check(r#"{"values":{"a":1},"since":1784930000000}"#, &["a 1.0 arrival since 1784930000000"]);
}

#[test]
fn numbers_are_the_nearest_double() {
    check(
        r#"{"values":{"a":0.1,"b":9007199254740993,"c":2.2250738585072011e-308,"d":5e-324,
            "e":1.7976931348623157e308,"f":123456789012345678901234567890}}"#,
        &[
            "a 0.1 arrival",
            "b 9007199254740992.0 arrival",
            "c 2.225073858507201e-308 arrival",
            "d 5e-324 arrival",
            "e 1.7976931348623157e308 arrival",
            "f 1.2345678901234568e29 arrival",
        ],
    );
}

#[test]
fn a_bad_value_does_not_cost_its_neighbours() {
    check_value("1e400", "#/values/x not_finite");
    check_value("-1e400", "#/values/x not_finite");
    check_value("NaN", "#/values/x not_finite");
    check_value("-Infinity", "#/values/x not_finite");
    check_value(r#""NaN""#, "#/values/x bad_value");
    check_value(r#""3""#, "#/values/x bad_value");
    check_value(r#""\ud800""#, "#/values/x bad_value");
    check_value("null", "#/values/x bad_value");
    check_value("true", "#/values/x bad_value");
    check_value("[1]", "#/values/x bad_value");
    check_value(r#"{"value":1}"#, "#/values/x bad_value");
}

#[test]
fn a_bad_name_does_not_cost_its_neighbours() {
    check(
        r#"[{"values":{"Water Level":1,"a":2,"a:":3,"水/位~":4,"":5}}]"#,
        &[
            "a 2.0 arrival",
            "#/0/values/Water%20Level bad_name",
            "#/0/values/a: bad_name",
            "#/0/values/%E6%B0%B4~1%E4%BD%8D~0 bad_name",
            "#/0/values/ bad_name",
        ],
    );
    let long = "a".repeat(257);
    let expected = format!("#/values/{} string_too_long", "a".repeat(128));
    check(&format!(r#"{{"values":{{"{long}":1}}}}"#), &[&expected]);
}

#[test]
fn a_bad_time_costs_its_own_object() {
    let good = r#"{"values":{"b":2}}"#;
    for (members, code) in [
        (r#""time":"2026-07-25T08:15:30""#, "naive_time"),
        (r#""time":"2026-07-25 08:15:30 08:00""#, "bad_time"),
        (r#""time":"""#, "bad_time"),
        (r#""time":1.5"#, "bad_time"),
        (r#""time":1e3"#, "bad_time"),
        (r#""time":NaN"#, "bad_time"),
        (r#""time":null"#, "bad_time"),
        (r#""time":[2026]"#, "bad_time"),
        (r#""time":253402300800000"#, "bad_time"),
        (r#""time":99999999999999999999"#, "bad_time"),
        (r#""since":"2026-07-25T08:15:30""#, "naive_time"),
        (r#""time":5,"since":5"#, "bad_interval"),
        (r#""since":1899999999999"#, "bad_interval"),
    ] {
        check(
            &format!(r#"[{good},{{"values":{{"a:1":1,"c":"3"}},{members},"position":[1,2]}}]"#),
            &[
                "b 2.0 arrival",
                "#/1/values/c bad_value",
                &format!("#/1/values/a:1 {code}"),
                &format!("#/1/position/0 {code}"),
                &format!("#/1/position/1 {code}"),
            ],
        );
    }
    let long = format!(r#"{{"time":"{}","values":{{"a":1}}}}"#, "2".repeat(257));
    check(&long, &["#/values/a string_too_long"]);
}

#[test]
fn a_bad_position_costs_its_two_readings() {
    let expected = ["a 1.0 arrival", "#/position/0 bad_position", "#/position/1 bad_position"];
    for position in
        ["[29.21,121.95]", "[121.95]", "[1,2,3]", "[1,null]", "[1,1e400]", r#""1,2""#, "null", "{}"]
    {
        check(&format!(r#"{{"position":{position},"values":{{"a":1}}}}"#), &expected);
    }
}

#[test]
fn keys_are_known_and_there_once() {
    check(r#"{"value":{"a":1}}"#, &["unknown_member"]);
    check(r#"{"values":{"a":1},"tiem":5}"#, &["unknown_member"]);
    check(r#"{"values":{"a":1,"b":2,"a":3}}"#, &["duplicate_key"]);
    check(r#"{"values":{"a":1,"\u0061":3}}"#, &["duplicate_key"]);
    check(r#"{"values":{"a":1},"values":{"b":1}}"#, &["duplicate_key"]);
    check(r#"{"time":1,"time":1,"values":{"a":1}}"#, &["duplicate_key"]);
    check(r#"{"values":{"position_latitude":1},"position":[1,2]}"#, &["duplicate_key"]);
    check(r#"[{"values":{"a":1}},{"values":{"a":1}}]"#, &["a 1.0 arrival", "a 1.0 arrival"]);
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for payload in [
        "{",
        "[{}",
        "7",
        "null",
        r#""a""#,
        "[1]",
        "[[]]",
        r#"{"values":[1]}"#,
        r#"{"values":null}"#,
        r#"{"values":{"a":01}}"#,
        r#"{"values":{"a":1,}}"#,
        r#"{"values":{"a":1NaN}}"#,
        r#"{"values":{'a':1}}"#,
        r#"{"values":{"\ud800":1}}"#,
        "{\"values\":{\"a\u{1}\":1}}",
        r#"{"values":{"a":1}} x"#,
        "\u{feff}{\"values\":{\"a\":1}}",
    ] {
        check(payload, &["syntax"]);
    }
    for payload in ["{}", "[]", "[{},{}]", r#"{"seq":1,"values":{}}"#] {
        check(payload, &["empty"]);
    }
    check("", &["syntax"]);
    assert_eq!(summary(decode_bytes(Codec::Json, b"{\"values\":{\"\xff\":1}}")), "not_utf8");
}

#[test]
fn the_sequence_is_that_of_the_last_object_that_has_one() {
    let sequence = |payload: &str| decode_bytes(Codec::Json, payload.as_bytes()).unwrap().sequence;
    let of = |members: &str| sequence(&format!(r#"{{{members}"values":{{"a":1}}}}"#));
    assert_eq!(of(""), None);
    assert_eq!(of(r#""boot":3,"#), None);
    assert_eq!(of(r#""seq":18446744073709551615,"#), Some(Sequence { boot: None, seq: u64::MAX }));
    assert_eq!(
        sequence(r#"[{"seq":4,"boot":2,"values":{"a":1}},{"boot":2,"seq":5},{"values":{}}]"#),
        Some(Sequence { boot: Some(2), seq: 5 })
    );
    for members in [r#""seq":-1,"#, r#""seq":1.0,"#, r#""seq":"1","#, r#""boot":4294967296,"#] {
        check(&format!(r#"{{{members}"values":{{"a":1}}}}"#), &["bad_sequence"]);
    }
}

#[test]
fn errors_say_what_to_do() {
    let text =
        |payload: &str| decode_bytes(Codec::Json, payload.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        text(r#"{"temperature":3}"#),
        "member `temperature` is unknown; known are time, since, seq, boot, position and values, \
         and what was measured belongs into values"
    );
    assert_eq!(text(r#"{"seq":-1}"#), "seq `-1` is no whole number that fits 64 bits");
    assert_eq!(
        text("7"),
        "payload cannot be parsed: invalid type: integer `7`, expected an object or an array of \
         objects at line 1 column 1"
    );
    let hostile = format!("\"{}\"", "\\u001b[31m".repeat(9_999));
    let error = text(&hostile);
    assert!(error.len() < 400 && !error.contains('\u{1b}'), "{error}");
}
