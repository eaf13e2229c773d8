//! No bytes make a decoder panic, or answer with what it must not: 100,000
//! payloads of noise and 100,000 damaged ones for each codec, the same in
//! every run.

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner};

use codec::{Codec, Limits};

use crate::decode_bytes;

fn runner() -> TestRunner {
    let failure_persistence = Some(Box::new(FileFailurePersistence::Off) as _);
    TestRunner::new(Config {
        cases: 100_000,
        rng_seed: RngSeed::Fixed(20_260_725),
        failure_persistence,
        ..Config::default()
    })
}

/// Whatever the bytes, the answer keeps its promises.
#[track_caller]
fn check(codec: Codec, payload: &[u8]) {
    match decode_bytes(codec, payload) {
        Ok(decoded) => {
            let n_found = decoded.readings.len() + decoded.problems.len();
            assert!((1..=Limits::default().readings).contains(&n_found));
            assert!(decoded.readings.iter().all(|reading| reading.value.is_finite()));
            for problem in &decoded.problems {
                assert!(problem.pointer.starts_with('#') && problem.pointer.len() < 1_000);
                check_text(&problem.error.to_string());
            }
        }
        Err(error) => check_text(&error.to_string()),
    }
}

/// An error's text goes to logs and pages.
#[track_caller]
fn check_text(text: &str) {
    assert!(text.chars().count() < 1_000 && !text.contains(char::is_control), "{text:?}");
}

/// Payloads with every feature of their codec.
fn well_formed(codec: Codec) -> Vec<Vec<u8>> {
    let json: [&[u8]; 4] = [
        br#"{"time":"2026-07-25T08:15:30.123+08:00","seq":4711,"boot":12,"values":{"rainfall_depth":0.4},"position":[121.95,29.21]}"#,
        br#"[{"time":1784938530123,"since":1784938470123,"values":{"a:1":-1e-3,"b":0}},{"values":{"\u0061":1}}]"#,
        br#"{"values":{"a":1e400,"b":NaN,"c":"x","d":[[1],{"e":null}],"f":true,"\ud83d\ude00":1}}"#,
        br#"{"time":"2026-07-25T08:15:30","values":{"a":1},"position":null}"#,
    ];
    let senml: [&[u8]; 3] = [
        br#"[{"bn":"rain-017/","bt":1784938530.123,"n":"rainfall_depth","u":"mm","v":0.4},{"n":"b","u":"V","v":3.71}]"#,
        br#"[{"bver":10,"bu":"m","bv":2,"bs":1},{"n":"a","v":1,"s":2,"t":-5,"ut":9},{"n":"b","vb":true,"x":[{}]}]"#,
        br#"[{"n":"a","vs":"x\ud800"},{"n":"b","vd":"aGk"},{"n":"c","v":Infinity},{"n":"rain-018/d","v":1}]"#,
    ];
    let cbor: [&[u8]; 4] = [
        b"\x82\xa4\x21\x69rain-017/\x22\xfb\x41\xda\x99\x00\xe8\x87\xdf\x3b\x00\x61a\x02\x01\xa3\x00\x61b\x01\x61V\x02\xf9\x3c\x00",
        b"\x9f\xbf\x00\x7f\x61a\x61b\xff\x02\xc4\x82\x21\x19\x6a\xb3\xff\xff",
        b"\x83\xa2\x00\x61a\x03\x61x\xa2\x00\x61b\x08\x5f\x41x\xff\xa3\x00\x61c\x04\xf5\x61x\x82\x01\xa1\x02\x03",
        b"\x82\xa2\x00\x61a\x02\xc2\x49\x01\0\0\0\0\0\0\0\0\xa3\x00\x61b\x02\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x06\x20",
    ];
    let raw: [&[u8]; 4] = [b"23.4", b" -1.5e-3\r\n", b"+0", b"1e400"];
    match codec {
        Codec::Json => json.map(<[u8]>::to_vec).to_vec(),
        Codec::Senml => senml.map(<[u8]>::to_vec).to_vec(),
        Codec::SenmlCbor => cbor.map(<[u8]>::to_vec).to_vec(),
        Codec::Raw => raw.map(<[u8]>::to_vec).to_vec(),
    }
}

/// Bytes that mean something to the codec, so that noise gets past its door.
fn alphabet(codec: Codec) -> Vec<u8> {
    match codec {
        Codec::Json | Codec::Senml => br#"{}[]:,"\/ \naeinstuvb019-+.eENIud8_"#.to_vec(),
        Codec::SenmlCbor => {
            b"\x00\x01\x02\x06\x08\x21\x22\x61a\x7f\x5f\x80\x81\x82\x9f\xa1\xa2\xbf\xc2\xc4\xf5\xf6\xf9\xfb\xff\x1b\x3b"
                .to_vec()
        }
        Codec::Raw => b" 0123456789+-.eEinfNa\r\n".to_vec(),
    }
}

#[derive(Debug, Clone)]
enum Damage {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    /// Copies some bytes from one place to another.
    Repeat(usize, usize),
    Cut(usize),
}

fn damage(codec: Codec) -> impl Strategy<Value = Damage> {
    let byte = || prop_oneof![any::<u8>(), prop::sample::select(alphabet(codec))];
    let place = 0..200_usize;
    prop_oneof![
        (place.clone(), byte()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (place.clone(), byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        place.clone().prop_map(Damage::Remove),
        (place.clone(), place.clone()).prop_map(|(from, to)| Damage::Repeat(from, to)),
        place.prop_map(Damage::Cut),
    ]
}

fn damaged(mut payload: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let len = payload.len().max(1);
        match *damage {
            Damage::Insert(at, byte) => payload.insert(at % len.min(payload.len() + 1), byte),
            _ if payload.is_empty() => (),
            Damage::Replace(at, byte) => payload[at % len] = byte,
            Damage::Remove(at) => drop(payload.remove(at % len)),
            Damage::Repeat(from, to) => {
                let copied = payload[from % len..].iter().copied().take(12).collect::<Vec<_>>();
                let to = to % len;
                payload.splice(to..to, copied);
            }
            Damage::Cut(at) => payload.truncate(at % len),
        }
    }
    payload
}

#[track_caller]
fn check_codec(codec: Codec) {
    for payload in well_formed(codec) {
        let refusal = decode_bytes(codec, &payload).err();
        let is_expected = refusal.as_ref().is_none_or(|error| error.code() == "not_finite");
        assert!(is_expected, "{codec}: {refusal:?} for {}", payload.escape_ascii());
    }
    let noise = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::collection::vec(prop::sample::select(alphabet(codec)), 0..64),
    ];
    let run = |payload: Vec<u8>| {
        check(codec, &payload);
        Ok(())
    };
    runner().run(&noise, run).unwrap();

    let damages = prop::collection::vec(damage(codec), 1..6);
    let run = |(payload, damages): (Vec<u8>, Vec<Damage>)| {
        check(codec, &damaged(payload, &damages));
        Ok(())
    };
    runner().run(&(prop::sample::select(well_formed(codec)), damages), run).unwrap();
}

#[test]
fn no_bytes_break_json() {
    check_codec(Codec::Json);
}

#[test]
fn no_bytes_break_senml() {
    check_codec(Codec::Senml);
}

#[test]
fn no_bytes_break_senml_cbor() {
    check_codec(Codec::SenmlCbor);
}

#[test]
fn no_bytes_break_raw() {
    check_codec(Codec::Raw);
}
