//! Simulated devices: a fleet of them, or a recorded series, played through
//! the same doors as real ones.
//!
//! Devices speak only MQTT and HTTP and know nothing of the system behind.
//! [`fleet`] is pure: what a thing measures is a function of the thing, a seed
//! and the time. Around it [`run()`] gives every device its own task and its own
//! connection; [`series::play`] does the same for one recorded CSV file.
//! [`Playback`] says without any connection what the devices of a script would
//! have sent.

mod device;
mod door;
mod fault;
pub mod fleet;
mod http;
mod message;
mod mqtt;
mod noise;
mod outbox;
mod playback;
mod progress;
mod run;
mod schedule;
pub mod script;
pub mod series;
#[cfg(test)]
mod test_thing;
mod weather;

pub use door::{Device, Door, DoorUrl, MqttVersion};
pub use fault::{Fault, Faults};
pub use fleet::Fleet;
pub use message::Message;
pub use playback::{Playback, Said};
pub use progress::Summary;
pub use run::{SimulateOptions, run};
pub use script::Script;
pub use weather::{STORM_DURATION, Scenario, ScenarioName};
