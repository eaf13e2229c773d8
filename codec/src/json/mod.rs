//! The `json` codec: one object, or an array of them.
//!
//! ```json
//! {"time":"2026-07-25T08:15:30.123+08:00","seq":4711,"boot":12,
//!  "values":{"rainfall_depth":0.4,"battery_voltage":3.71},"position":[121.95,29.21]}
//! ```
//! `time` and `since` are RFC 3339 with an offset, or whole milliseconds since
//! 1970; without `time` a reading has that of its arrival. `since` makes the
//! values totals of `[since, time]`. `position` becomes two readings, which are
//! no totals. All members are optional, none may be unknown or twice.

mod decode;
mod encode;

use model::PropertyId;

pub(crate) use decode::decode;
pub(crate) use encode::encode;

const LONGITUDE: &str = "position_longitude";
const LATITUDE: &str = "position_latitude";
const POSITION_LONGITUDE: PropertyId = PropertyId::from_static(LONGITUDE);
const POSITION_LATITUDE: PropertyId = PropertyId::from_static(LATITUDE);
