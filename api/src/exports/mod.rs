//! `/exports/…`: history as a file, streamed in constant memory.
//!
//! A page of rows is read (`observations`, `scores`), written in the format
//! that was asked for (`encode`), and sent when the client has taken the one
//! before (`stream`). Rows are in order of time. A stream that fails is cut
//! off in the middle of its chunked encoding. `running` is what is under way.

mod encode;
pub(crate) mod observations;
mod running;
pub(crate) mod scores;
mod stream;

pub(crate) use running::{__path_list, Exports, list};

use std::time::Duration;

use axum::http::HeaderMap;
use model::{Clock, Time};
use store::TimeRange;

use crate::negotiate;
use crate::observations::range_of;
use crate::paging;
use crate::problem::ApiError;

/// Without a `start`.
const DEFAULT_LENGTH: Duration = Duration::from_secs(24 * 3_600);

/// Most rows of an export, when it is given as a limit.
const LIMIT_MAX: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
    Parquet,
}

impl Format {
    const ALL: [Format; 3] = [Format::Csv, Format::Ndjson, Format::Parquet];

    fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
            Format::Parquet => "parquet",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv",
            Format::Ndjson => "application/x-ndjson",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Ndjson | Format::Parquet => self.media_type(),
        }
    }

    /// `format=` counts more than `Accept`.
    fn parse(given: Option<&str>, headers: &HeaderMap) -> Result<Format, ApiError> {
        let by = |is: &dyn Fn(&Format) -> bool| Format::ALL.into_iter().find(|format| is(format));
        if let Some(name) = given {
            return by(&|format| format.as_str() == name)
                .ok_or_else(|| ApiError::parameter("format", "is none of csv, ndjson, parquet"));
        }
        let media = negotiate::choose(headers, &Format::ALL.map(Format::media_type))?;
        Ok(by(&|format| format.media_type() == media).unwrap_or(Format::Csv))
    }
}

/// What both exports are asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    range: TimeRange,
    format: Format,
    has_bom: bool,
    limit: Option<u64>,
}

impl Asked {
    fn parse(
        (start, stop): (Option<&str>, Option<&str>),
        (format, bom): (Option<&str>, Option<u8>),
        limit: Option<u64>,
        headers: &HeaderMap,
        clock: &Clock,
    ) -> Result<Asked, ApiError> {
        let format = Format::parse(format, headers)?;
        let has_bom = match bom {
            None | Some(0) => false,
            Some(1) if format == Format::Csv => true,
            Some(1) => return Err(ApiError::parameter("bom", "is for CSV only")),
            Some(_) => return Err(ApiError::parameter("bom", "is neither 0 nor 1")),
        };
        if limit.is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit)) {
            return Err(ApiError::parameter("limit", format!("is not within 1 and {LIMIT_MAX}")));
        }
        let stop_at = paging::filter("stop", stop, Time::parse)?
            .unwrap_or_else(|| clock.scene() + Duration::from_millis(1));
        let default = TimeRange { start: stop_at - DEFAULT_LENGTH, stop: stop_at };
        Ok(Asked { range: range_of(start, stop, default)?, format, has_bom, limit })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    #[track_caller]
    fn check(given: Option<&str>, accept: &'static str, expected: Option<Format>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        assert_eq!(Format::parse(given, &headers).ok(), expected, "{given:?} {accept}");
    }

    #[test]
    fn the_format_is_named_or_negotiated() {
        check(Some("parquet"), "text/csv", Some(Format::Parquet));
        check(Some("xlsx"), "text/csv", None);
        check(None, "*/*", Some(Format::Csv));
        check(None, "application/x-ndjson", Some(Format::Ndjson));
        check(None, "application/vnd.apache.parquet", Some(Format::Parquet));
        check(None, "image/png", None);
    }
}
