//! decode(encode(readings)) is the same readings, for every codec.

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner};

use codec::{Codec, EncodeError, EncodeOptions, Sequence, encode};
use model::{Channel, PropertyId, Reading, ReadingTime, ThingId, Time, Unit};

use crate::{RAW_PROPERTY, THING, decode_bytes, received};

fn runner() -> TestRunner {
    let failure_persistence = Some(Box::new(FileFailurePersistence::Off) as _);
    TestRunner::new(Config {
        cases: 10_000,
        rng_seed: RngSeed::Fixed(8_428),
        failure_persistence,
        ..Config::default()
    })
}

fn values() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE,
        (-1_000_000..1_000_000_i32).prop_map(|n| f64::from(n) / 1000.0),
        prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324]),
    ]
}

/// Few names, so that they come again, and those of the position among them.
fn names() -> impl Strategy<Value = (PropertyId, Option<Channel>)> {
    let known = ["water_level", "a", "a:2", "position_longitude", "position_latitude"];
    let parse = |text: &str| Reading::parse_name(text).unwrap();
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(parse),
        "[a-z][a-z0-9_]{0,63}(:[a-z0-9_]{1,32})?".prop_map(move |text| parse(&text)),
    ]
}

fn absolute_times(from_ms: i64) -> impl Strategy<Value = ReadingTime> {
    prop_oneof![
        prop::sample::select(vec![1_784_938_530_123, 1_784_938_530_124]),
        from_ms..=Time::MAX.millis(),
    ]
    .prop_map(|millis| ReadingTime::At(Time::from_millis(millis).unwrap()))
}

#[derive(Debug, Clone)]
struct Group {
    time: ReadingTime,
    since: Option<Time>,
    position: Option<(f64, f64)>,
}

/// What `json` can say: no unit, no relative time, totals of the past.
fn json_readings() -> impl Strategy<Value = Vec<Reading>> {
    let earliest = Time::MIN.millis() + 1;
    let times = prop_oneof![Just(ReadingTime::Arrival), absolute_times(earliest)];
    let groups = (times, any::<Option<u32>>(), prop::option::of((-180.0..180.0, -90.0..90.0)))
        .prop_map(|(time, total_ms, position)| {
            let end = match time {
                ReadingTime::At(time) => time,
                _ => received(),
            };
            let since = total_ms.map(|ms| {
                Time::from_millis_clamped(end.millis().saturating_sub(i64::from(ms).max(1)))
            });
            Group { time, since, position }
        });
    let values = prop::collection::vec((names(), values()), 1..5);
    prop::collection::vec((groups, values), 1..4).prop_map(|groups| {
        let mut readings = Vec::new();
        for (Group { time, since, position }, values) in groups {
            let reading = |(property, channel), value, since| Reading {
                property,
                channel,
                value,
                unit: None,
                time,
                since,
            };
            readings.extend(values.into_iter().map(|(name, value)| reading(name, value, since)));
            if let Some((longitude, latitude)) = position {
                let id = |text| (PropertyId::from_static(text), None);
                readings.push(reading(id("position_longitude"), longitude, None));
                readings.push(reading(id("position_latitude"), latitude, None));
            }
        }
        readings
    })
}

/// What SenML can say: any unit, times relative to arrival, no intervals.
fn senml_readings() -> impl Strategy<Value = Vec<Reading>> {
    let relative_max_ms = 268_435_455_999_i64;
    let times = prop_oneof![
        Just(ReadingTime::Arrival),
        absolute_times(268_435_456_000),
        (-relative_max_ms..=relative_max_ms)
            .prop_filter("zero is arrival", |offset_ms| *offset_ms != 0)
            .prop_map(ReadingTime::RelativeToArrival),
    ];
    let units = prop::option::of(prop::sample::select(Unit::ALL.to_vec()));
    let reading =
        (names(), values(), units, times).prop_map(|((property, channel), value, unit, time)| {
            Reading { property, channel, value, unit, time, since: None }
        });
    prop::collection::vec(reading, 1..8)
}

/// Two zeros are equal as numbers, so their signs are compared beside.
#[track_caller]
fn check_same(codec: Codec, readings: &[Reading], options: &EncodeOptions<'_>) {
    let payload = encode(codec, readings, options).unwrap();
    let decoded = decode_bytes(codec, &payload).unwrap();
    assert!(decoded.problems.is_empty(), "{:?}", decoded.problems);
    assert_eq!(decoded.readings, readings);
    let bits = |readings: &[Reading]| -> Vec<u64> {
        readings.iter().map(|reading| reading.value.to_bits()).collect()
    };
    assert_eq!(bits(&decoded.readings), bits(readings));
}

#[test]
fn json_round_trips() {
    let run = |readings: Vec<Reading>| {
        check_same(Codec::Json, &readings, &EncodeOptions::default());
        Ok(())
    };
    runner().run(&json_readings(), run).unwrap();
}

#[test]
fn senml_round_trips_in_json_and_cbor() {
    let thing = ThingId::parse(THING).unwrap();
    let run = |(readings, is_named): (Vec<Reading>, bool)| {
        let options = EncodeOptions { thing: is_named.then_some(&thing), sequence: None };
        check_same(Codec::Senml, &readings, &options);
        check_same(Codec::SenmlCbor, &readings, &options);
        Ok(())
    };
    runner().run(&(senml_readings(), any::<bool>()), run).unwrap();
}

#[test]
fn raw_round_trips() {
    let run = |value: f64| {
        check_same(Codec::Raw, &[plain(RAW_PROPERTY, value)], &EncodeOptions::default());
        Ok(())
    };
    runner().run(&values(), run).unwrap();
}

fn plain(property: PropertyId, value: f64) -> Reading {
    let time = ReadingTime::Arrival;
    Reading { property, channel: None, value, unit: None, time, since: None }
}

#[track_caller]
fn check_written(codec: Codec, readings: &[Reading], options: &EncodeOptions<'_>, expected: &str) {
    let payload = encode(codec, readings, options).unwrap();
    assert_eq!(String::from_utf8(payload).unwrap(), expected);
}

#[test]
fn payloads_look_like_the_contract() {
    let thing = ThingId::parse(THING).unwrap();
    let time = ReadingTime::At(Time::from_millis(1_784_938_530_123).unwrap());
    let later = ReadingTime::At(Time::from_millis(1_784_938_590_123).unwrap());
    let reading =
        |name, value, time| Reading { time, ..plain(PropertyId::from_static(name), value) };
    let mut readings = vec![
        reading("rainfall_depth", 0.4, time),
        reading("battery_voltage", 3.71, time),
        reading("position_longitude", 121.95, time),
        reading("position_latitude", 29.21, time),
    ];
    let sequence = Some(Sequence { boot: Some(12), seq: 4711 });
    let options = EncodeOptions { thing: None, sequence };
    let object = r#"{"time":"2026-07-25T08:15:30.123+08:00","seq":4711,"boot":12,"values":{"rainfall_depth":0.4,"battery_voltage":3.71},"position":[121.95,29.21]}"#;
    check_written(Codec::Json, &readings, &options, object);

    readings.push(reading("rainfall_depth", 0.0, later));
    let second = r#"{"time":"2026-07-25T08:16:30.123+08:00","seq":4712,"boot":12,"values":{"rainfall_depth":0.0}}"#;
    check_written(Codec::Json, &readings, &options, &format!("[{object},{second}]"));

    let named = EncodeOptions { thing: Some(&thing), sequence: None };
    let rain = Reading { unit: Some(Unit::Millimetre), ..reading("rainfall_depth", 0.4, time) };
    let level =
        Reading { channel: Some(Channel::parse("2").unwrap()), ..plain(RAW_PROPERTY, -1.0) };
    let pack = r#"[{"bn":"rain-017/","n":"rainfall_depth","u":"mm","v":0.4,"t":1784938530.123},{"n":"water_level:2","v":-1.0}]"#;
    check_written(Codec::Senml, &[rain, level], &named, pack);

    check_written(Codec::Raw, &[plain(RAW_PROPERTY, 23.4)], &EncodeOptions::default(), "23.4");
}

#[test]
fn what_a_codec_has_no_place_for_is_refused() {
    let base = plain(RAW_PROPERTY, 1.0);
    let name = || RAW_PROPERTY.to_string();
    let with_unit = Reading { unit: Some(Unit::Metre), ..base.clone() };
    let relative = Reading { time: ReadingTime::RelativeToArrival(-5), ..base.clone() };
    let old = Reading { time: ReadingTime::At(Time::EPOCH), ..base.clone() };
    let total = Reading { since: Some(Time::EPOCH), ..base.clone() };
    let backwards = Reading { since: Some(Time::EPOCH), ..old.clone() };
    let nan = Reading { value: f64::NAN, ..base.clone() };
    let check = |codec, reading: &Reading, expected: EncodeError| {
        let found = encode(codec, std::slice::from_ref(reading), &EncodeOptions::default());
        assert_eq!(found, Err(expected));
    };
    for codec in [Codec::Json, Codec::Raw] {
        check(codec, &with_unit, EncodeError::NoUnit { codec, name: name(), unit: Unit::Metre });
        check(codec, &relative, EncodeError::NoTime { codec, name: name() });
    }
    for codec in [Codec::Senml, Codec::SenmlCbor, Codec::Raw] {
        check(codec, &old, EncodeError::NoTime { codec, name: name() });
        check(codec, &total, EncodeError::NoSince { codec, name: name() });
        let options =
            EncodeOptions { thing: None, sequence: Some(Sequence { boot: None, seq: 1 }) };
        let found = encode(codec, std::slice::from_ref(&base), &options);
        assert_eq!(found, Err(EncodeError::NoSequence { codec }));
    }
    check(Codec::Json, &backwards, EncodeError::NoSince { codec: Codec::Json, name: name() });
    for codec in Codec::ALL {
        check(codec, &nan, EncodeError::NotFinite { name: name() });
        assert_eq!(encode(codec, &[], &EncodeOptions::default()), Err(EncodeError::Empty));
    }
    let two = encode(Codec::Raw, &[base.clone(), base], &EncodeOptions::default());
    assert_eq!(two, Err(EncodeError::NotOneReading { found: 2 }));
}
