//! Domain types shared by every crate: ids, time, units, things, observed
//! properties, readings. Nothing here does I/O.
//!
//! Words are those of OGC SensorThings (Thing, Datastream, ObservedProperty,
//! Observation) and QARTOD (quality flags).

mod clock;
pub mod csv_lines;
mod document;
pub mod duration_text;
mod id;
mod level;
mod position;
mod property;
mod quality;
mod reading;
mod thing;
pub mod thing_csv;
mod time;
mod township;
mod unit;

pub use clock::{Clock, ScaledClock};
pub use document::{
    ActingAs, AlertAct, AlertAction, Area, Bulletin, Document, DocumentKind, LatitudeBand,
    Override, OverrideKind, RecallOrder, Response, Signal, SignalKind, Silence, Storm, StormFix,
};
pub use id::{
    Channel, DatastreamId, DocumentId, IdError, PropertyId, SourceName, ThingId, TownshipCode,
};
pub use level::{Level, Thresholds};
pub use position::{Position, PositionError};
pub use property::{
    Burden, Catalogue, CatalogueError, FlatLine, GrossRange, Limits, ObservedProperty, Persistence,
    PropertySpec, QualityRules, ReportKind,
};
pub use quality::{Flag, Quality, QualityTest};
pub use reading::{Reading, ReadingTime};
pub use thing::{DatastreamSpec, LocalizedName, Origin, Thing, ThingKind, ThingState, UnknownWord};
pub use time::{Time, TimeError};
pub use township::Township;
pub use unit::{Unit, UnitError};
