//! A file of storm tracks: columns `storm`, `utc`, `lat`, `lon`, `pres_hpa`
//! and optionally `intensity_factor`; other columns are left alone. It is the
//! file that the command `wind` reads.

use model::DocumentId;

use super::checks::Checks;
use super::fixes::Row;
use super::storms::FACTOR;
use super::table::{Table, pointer};
use crate::problem::{ApiError, Check, FieldError, Place};

const REQUIRED: [&str; 5] = ["storm", "utc", "lat", "lon", "pres_hpa"];
const FIX: [&str; 4] = ["utc", "lat", "lon", "pres_hpa"];
const FACTOR_COLUMN: &str = "intensity_factor";

/// One storm of the file, in the order of first mention.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) name: String,
    pub(super) rows: Vec<Row>,
    pub(super) factor: Option<f64>,
    /// Lines of the file, with what is wrong with each.
    pub(super) lines: Vec<Line>,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) line: usize,
    pub(super) errors: Vec<FieldError>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Track>, ApiError> {
    let table = Table::read(bytes, &REQUIRED, &[FACTOR_COLUMN], true)?;
    let mut tracks: Vec<Track> = Vec::new();
    for (line, record) in &table.records {
        let name = table.cell(record, "storm");
        let known = tracks.iter().position(|track| track.name.eq_ignore_ascii_case(name));
        let index = known.unwrap_or_else(|| {
            let name = name.to_owned();
            tracks.push(Track { name, rows: Vec::new(), factor: None, lines: Vec::new() });
            tracks.len() - 1
        });
        let track = &mut tracks[index];
        let row = (*line, record);
        let mut checks = Checks::default();
        if name.is_empty() {
            checks.refuse(pointer(*line, "storm"), Check::Missing);
        }
        if !table.cell(record, FACTOR_COLUMN).is_empty()
            && let Some(factor) = table.number(&mut checks, row, FACTOR_COLUMN)
        {
            let place = pointer(*line, FACTOR_COLUMN);
            if track.factor.is_some_and(|known| known != factor) {
                checks.refuse(place, Check::FactorDiffers);
            } else if checks.within(place, factor, FACTOR.0, FACTOR.1) {
                track.factor = Some(factor);
            }
        }
        track.rows.extend(table.fix(&mut checks, row, FIX));
        track.lines.push(Line { line: *line, errors: checks.into_errors() });
    }
    Ok(tracks)
}

impl Track {
    /// From name and year: the same file gives the same ids.
    pub(super) fn id(&self) -> Option<DocumentId> {
        let slug: String = self
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let first = self.rows.first()?.fix.time.to_string();
        let year = first.get(..4)?;
        DocumentId::parse(&format!("{slug}-{year}")).ok()
    }

    /// Gives problems to the lines that they are of; what names no line, to the
    /// first one.
    pub(super) fn blame(&mut self, errors: Vec<FieldError>) {
        for error in errors {
            let line = match &error.place {
                Place::Pointer(pointer) => line_of(pointer),
                Place::Parameter(_) => None,
            };
            let found = self.lines.iter().position(|of| Some(of.line) == line).unwrap_or(0);
            if let Some(line) = self.lines.get_mut(found) {
                line.errors.push(error);
            }
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.lines.iter().all(|line| line.errors.is_empty())
    }
}

/// Of a pointer as `#/lines/17/lat`.
fn line_of(pointer: &str) -> Option<usize> {
    pointer.strip_prefix("#/lines/")?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storms_are_told_apart_and_bad_lines_named() {
        let text = "storm,utc,lat,lon,pres_hpa,intensity_factor,kt\n\
            HAIKUI,2012-08-05T00:00Z,26.7,129.1,980,1.1,45\n\
            FUNG-WONG,2014-09-21T00:00Z,27.0,122.0,985,,40\n\
            Haikui,2012-08-05T06:00Z,x,128.5,980,1.2,45\n";
        let mut tracks = read(text.as_bytes()).unwrap();
        assert_eq!(tracks.len(), 2);
        assert_eq!(tracks[0].id().unwrap().as_str(), "haikui-2012");
        assert_eq!(tracks[1].id().unwrap().as_str(), "fung-wong-2014");
        assert_eq!((tracks[0].factor, tracks[0].rows.len()), (Some(1.1), 1));
        let n_errors: Vec<usize> = tracks[0].lines.iter().map(|line| line.errors.len()).collect();
        assert_eq!(n_errors, [0, 2], "latitude and factor of line 4");
        assert!(tracks[1].is_sound());
        let error = FieldError::check("#/lines/3/utc", Check::TimeBackwards);
        tracks[1].blame(vec![error]);
        assert!(!tracks[1].is_sound());
    }
}
