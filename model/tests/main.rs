//! The shipped configuration, read with the types of this crate.

mod catalogue;
mod county;
