//! SenML (RFC 8428) in JSON and CBOR, with the units of RFC 8798.
//!
//! ```json
//! [{"bn":"rain-017/","bt":1784938530.123,"n":"rainfall_depth","u":"mm","v":0.4},
//!  {"n":"battery_voltage","u":"V","v":3.71}]
//! ```
//! A pack is read in two steps: bytes to records (the one step in which JSON
//! and CBOR differ), and records to readings, where base fields are resolved.
//! A resolved name is `{thing}/{property}[:{channel}]` or the same without the
//! thing; a thing that is named must be the one that sent the pack.

mod cbor_scan;
mod decode;
mod encode;
mod label;
mod record;
mod resolve;
mod unit;

pub(crate) use decode::{decode_cbor, decode_json};
pub(crate) use encode::{encode_cbor, encode_json};

/// Seconds: from here on a time is counted from 1970, below it from arrival.
const ABSOLUTE_FROM_S: f64 = 268_435_456.0;
