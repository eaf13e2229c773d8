//! History of any length: read page by page, cut into windows, thinned for a
//! chart.
//!
//! `reader` goes through one datastream and `export` through many, each page a
//! read transaction of its own, so that no reader holds the journal's log
//! back. The rest is pure: `windows` makes one value of the rows of a window,
//! `downsample` chooses which points of a line stay, `thinner` does so for
//! more rows than fit in memory.

mod downsample;
mod export;
mod reader;
mod thinner;
mod windows;

pub use downsample::{lttb, min_max};
pub use export::ExportReader;
pub use reader::SeriesReader;
pub use thinner::{Downsampling, Thinned, Thinner};
pub use windows::{SeriesWindow, WindowValue, Windows};
