//! Documents: what others declared, forecast or did, by HTTP.
//!
//! `POST` stores the first version, `PUT` the next one (cancelled, ended,
//! corrected); nothing is deleted. `checks` reads what clients send,
//! `resource` is what all kinds have in common.

pub(crate) mod bulletins;
pub(crate) mod checks;
mod fixes;
pub(crate) mod recall_orders;
pub(crate) mod resource;
pub(crate) mod responses;
pub(crate) mod signals;
pub(crate) mod storms;
pub(crate) mod storms_import;
mod table;
mod track_file;
