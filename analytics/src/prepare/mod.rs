//! From the world to the inputs of the indices: what the models compute
//! from, read out of the things, streams, documents and memory at one
//! instant. Pure and ordered: equal worlds give equal inputs.

mod alarms;
mod capability;
mod counts;
mod event;
mod exposure;
mod hazard;
mod online;
#[cfg(test)]
pub(crate) mod people_world;
mod power;
mod readiness;
mod reports;
mod safety;
#[cfg(test)]
mod safety_tests;
mod sectors;
mod shelters;
#[cfg(test)]
mod silence_tests;
mod soil;
mod storms;
#[cfg(test)]
mod test_world;
pub(crate) mod vessels;

pub use alarms::{n_life_alarms, red_alarm_open};
pub use capability::capability;
pub use counts::counts;
pub use event::advance_event;
pub use exposure::exposure;
pub use hazard::hazard_groups;
pub use online::advance_online;
pub use readiness::fed;
pub use reports::report_keep;
pub(crate) use reports::streams_of;
pub use safety::safety;
pub use soil::advance_soil;
pub use storms::StormTracks;
