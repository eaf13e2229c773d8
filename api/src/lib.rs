//! The HTTP side: REST, server-sent events, sessions, metrics, the page.
//!
//! `router` holds every route; `policy` says who may use it; `problem` is how
//! each of them fails. Handlers stand beside their wire structs, one file for
//! each resource.

mod alerts;
mod attempts;
mod audit;
mod clock;
mod columns;
mod county;
mod credentials;
mod cursor;
mod datastreams;
mod documents;
mod etag;
mod events;
mod exports;
mod extract;
mod guard;
mod health;
mod holds;
mod housekeeping;
mod identity;
mod indices;
mod ledger;
mod metrics;
mod models;
mod negotiate;
mod observations;
mod openapi;
mod options;
mod overrides;
mod page;
mod paging;
mod password;
mod policy;
mod problem;
mod properties;
mod quarantine;
mod readiness;
mod registration;
mod router;
mod scores;
mod secret;
mod send;
mod series;
mod serve;
mod sessions;
mod silences;
mod situation;
mod span;
mod state;
mod system;
mod things;
mod things_import;
mod townships;
mod users;
pub mod webhook;
mod wire;

pub use county::{County, OutlineError};
pub use openapi::openapi_json;
pub use options::{ApiOptions, PublicRead, ServeOptions, UnknownPublicRead};
pub use password::PasswordError;
pub use router::{local_router, router};
pub use secret::NoRandomness;
pub use serve::{serve, serve_unix};
pub use state::{AppParts, AppState, DisconnectThing, ReadinessSource, StartError};
pub use users::ensure_administrator;
