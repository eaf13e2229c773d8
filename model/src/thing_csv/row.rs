//! One row of the file: its cells, checked, as a thing.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use csv::StringRecord;

use super::cell::{has_datum, parse_datum, parse_levels, parse_number, without_guard};
use super::{COLUMNS, DATASTREAMS_MAX, FieldError, FileError, NAME_MAX, REQUIRED};
use crate::{
    Catalogue, Channel, DatastreamSpec, LocalizedName, Position, PropertyId, Reading, Thing,
    ThingId, ThingKind, ThingState, TownshipCode,
};

pub(super) fn refused(column: &'static str, reason: impl fmt::Display) -> FieldError {
    FieldError { column, reason: reason.to_string() }
}

/// Where each column stands in the file.
pub(super) struct Header {
    width: usize,
    places: HashMap<&'static str, usize>,
}

impl Header {
    pub(super) fn parse(record: &StringRecord) -> Result<Header, FileError> {
        let mut places = HashMap::new();
        for (place, name) in record.iter().enumerate() {
            let name = name.trim();
            let column = COLUMNS.into_iter().find(|column| *column == name).ok_or_else(|| {
                FileError::UnknownColumn { found: name.escape_debug().take(60).collect() }
            })?;
            if places.insert(column, place).is_some() {
                return Err(FileError::DuplicateColumn { column });
            }
        }
        match REQUIRED.into_iter().find(|column| !places.contains_key(column)) {
            Some(column) => Err(FileError::MissingColumn { column }),
            None => Ok(Header { width: record.len(), places }),
        }
    }

    pub(super) fn thing(
        &self,
        record: &StringRecord,
        catalogue: &Catalogue,
    ) -> Result<Thing, Vec<FieldError>> {
        if record.len() != self.width {
            let reason = format!("has {} cells, the header has {}", record.len(), self.width);
            return Err(vec![refused("", reason)]);
        }
        let mut cells = Cells { header: self, record, problems: Vec::new() };

        let id = cells.required("id", ThingId::parse);
        let kind = cells.required("kind", ThingKind::from_str);
        let zh = cells.name("name_zh");
        let en = cells.name("name_en");
        let township = cells.optional("township", TownshipCode::parse);
        if township.is_none()
            && cells.text("township").is_empty()
            && kind != Some(ThingKind::Gateway)
        {
            cells.refuse("township", "is empty; only a gateway has none");
        }
        let position = cells.position();
        let state = cells.required("state", ThingState::from_str);
        let datastreams = cells.datastreams(catalogue);
        let serves = cells.list("serves", TownshipCode::parse);
        let raw_property = cells.optional("raw_property", PropertyId::parse);

        match (id, kind, zh, en, state) {
            (Some(id), Some(kind), Some(zh), Some(en), Some(state))
                if cells.problems.is_empty() =>
            {
                let name = LocalizedName { zh, en };
                Ok(Thing {
                    id,
                    kind,
                    name,
                    township,
                    position,
                    state,
                    serves,
                    raw_property,
                    datastreams,
                })
            }
            _ => Err(cells.problems),
        }
    }
}

/// The cells of one row, with the problems found so far.
struct Cells<'a> {
    header: &'a Header,
    record: &'a StringRecord,
    problems: Vec<FieldError>,
}

impl<'a> Cells<'a> {
    fn refuse(&mut self, column: &'static str, reason: impl fmt::Display) {
        self.problems.push(refused(column, reason));
    }

    /// The cell as it was meant; a column that is not there is empty.
    fn untrimmed(&self, column: &str) -> &'a str {
        let cell = self.header.places.get(column).and_then(|&place| self.record.get(place));
        without_guard(cell.unwrap_or(""))
    }

    fn text(&self, column: &str) -> &'a str {
        self.untrimmed(column).trim()
    }

    fn required<T, E: fmt::Display>(
        &mut self,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(self.text(column)).map_err(|error| self.refuse(column, error)).ok()
    }

    fn optional<T, E: fmt::Display>(
        &mut self,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.text(column).is_empty() { None } else { self.required(column, parse) }
    }

    /// What parses of a list; each of the others is a problem.
    fn list<T, E: fmt::Display>(
        &mut self,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let mut parsed = Vec::new();
        for word in self.text(column).split_ascii_whitespace().take(DATASTREAMS_MAX + 1) {
            match parse(word) {
                Ok(value) => parsed.push(value),
                Err(error) => self.refuse(column, error),
            }
        }
        if parsed.len() > DATASTREAMS_MAX {
            self.refuse(column, format_args!("has more than {DATASTREAMS_MAX} entries"));
        }
        parsed
    }

    fn name(&mut self, column: &'static str) -> Option<String> {
        let name = self.untrimmed(column);
        if name.trim().is_empty() {
            self.refuse(column, "is empty");
        } else if name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
            self.refuse(
                column,
                format_args!("is longer than {NAME_MAX} characters or has control characters"),
            );
        } else {
            return Some(name.to_owned());
        }
        None
    }

    fn position(&mut self) -> Option<Position> {
        let longitude = self.optional("longitude", parse_number);
        let latitude = self.optional("latitude", parse_number);
        let (longitude, latitude) = match (longitude, latitude) {
            (Some(longitude), Some(latitude)) => (longitude, latitude),
            (None, None) => return None,
            (Some(_), None) if self.text("latitude").is_empty() => {
                self.refuse("latitude", "is empty while longitude is not");
                return None;
            }
            (None, Some(_)) if self.text("longitude").is_empty() => {
                self.refuse("longitude", "is empty while latitude is not");
                return None;
            }
            _ => return None,
        };
        Position::new(longitude, latitude).map_err(|error| self.refuse("longitude", error)).ok()
    }

    fn datastreams(&mut self, catalogue: &Catalogue) -> Vec<DatastreamSpec> {
        let mut datastreams: Vec<DatastreamSpec> = Vec::new();
        for (property, channel) in self.list("datastreams", Reading::parse_name) {
            if find(&mut datastreams, &property, channel.as_ref()).is_some() {
                self.refuse("datastreams", format_args!("`{property}` is there twice"));
            }
            datastreams.push(DatastreamSpec { property, channel, levels: None, datum: None });
        }
        for ((property, channel), levels) in self.list("levels", parse_levels) {
            match find(&mut datastreams, &property, channel.as_ref()) {
                Some(spec) if spec.levels.is_none() => spec.levels = Some(levels),
                Some(_) => self.refuse("levels", format_args!("`{property}` is there twice")),
                None => {
                    self.refuse("levels", format_args!("`{property}` is not in `datastreams`"));
                }
            }
        }
        self.datums(&mut datastreams, catalogue);
        datastreams
    }

    fn datums(&mut self, datastreams: &mut [DatastreamSpec], catalogue: &Catalogue) {
        let cell = self.text("datum");
        if cell.chars().count() > NAME_MAX || cell.chars().any(char::is_control) {
            self.refuse(
                "datum",
                format_args!("is longer than {NAME_MAX} characters or has control characters"),
            );
        } else if cell.contains('=') {
            for entry in cell.split(';') {
                match parse_datum(entry) {
                    Ok(((property, channel), datum)) => {
                        match find(datastreams, &property, channel.as_ref()) {
                            Some(spec) => spec.datum = Some(datum.to_owned()),
                            None => self.refuse(
                                "datum",
                                format_args!("`{property}` is not in `datastreams`"),
                            ),
                        }
                    }
                    Err(reason) => self.refuse("datum", reason),
                }
            }
        } else if !cell.is_empty() {
            let mut heights =
                datastreams.iter_mut().filter(|spec| has_datum(spec, catalogue)).peekable();
            if heights.peek().is_none() {
                self.refuse("datum", "no datastream of this row is a height above a datum");
            }
            heights.for_each(|spec| spec.datum = Some(cell.to_owned()));
        }
    }
}

fn find<'a>(
    datastreams: &'a mut [DatastreamSpec],
    property: &PropertyId,
    channel: Option<&Channel>,
) -> Option<&'a mut DatastreamSpec> {
    datastreams
        .iter_mut()
        .find(|spec| spec.property == *property && spec.channel.as_ref() == channel)
}
