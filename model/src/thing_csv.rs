//! Things as a CSV file: the format of `things import` and `things export`.
//!
//! | column | content |
//! |---|---|
//! | id, kind, name_zh, name_en, township, state | always needed; a gateway has no township |
//! | longitude, latitude | degrees, WGS 84, both or neither |
//! | datastreams | `property[:channel]`, separated by spaces |
//! | levels | `property[:channel]=blue/yellow/orange/red`, `-` for a level that is not set |
//! | datum | one name for all heights above a datum, or `property[:channel]=name;…` |
//! | serves | township codes, separated by spaces |
//! | raw_property | the property of a `raw` payload |
//!
//! UTF-8 with or without a byte order mark. A cell that a spreadsheet would
//! take for a formula is written with a leading `'`, and read without it.
//! Every row gives a thing or all its problems; no row costs another one.

mod cell;
mod row;

use std::collections::HashMap;

use self::cell::{cells, harmless};
use self::row::{Header, refused};
use crate::csv_lines::LineCounter;
use crate::{Catalogue, Thing, ThingId};

/// How many rows an import takes at once.
pub const ROWS_MAX: usize = 10_000;

/// How many datastreams a row may name.
pub const DATASTREAMS_MAX: usize = 200;

/// How long a name may be, in characters.
pub const NAME_MAX: usize = 200;

pub const COLUMNS: [&str; 13] = [
    "id",
    "kind",
    "name_zh",
    "name_en",
    "township",
    "longitude",
    "latitude",
    "state",
    "datastreams",
    "levels",
    "datum",
    "serves",
    "raw_property",
];

const REQUIRED: [&str; 6] = ["id", "kind", "name_zh", "name_en", "township", "state"];

/// Why a file is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("line {line} is not UTF-8; save the file as \"CSV UTF-8\"")]
    NotUtf8 { line: usize },
    #[error("the file is empty; its first line names the columns")]
    Empty,
    #[error("unknown column `{found}`; known are {}", COLUMNS.join(", "))]
    UnknownColumn { found: String },
    #[error("column `{column}` is there twice")]
    DuplicateColumn { column: &'static str },
    #[error("column `{column}` is missing")]
    MissingColumn { column: &'static str },
    #[error("the file has more than {max} rows; import it in pieces")]
    TooManyRows { max: usize },
}

/// What is wrong with one cell; `column` is empty for the row as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {reason}")]
pub struct FieldError {
    pub column: &'static str,
    pub reason: String,
}

/// A line of the file, counted from 1, and what it holds.
pub type Row = (usize, Result<Thing, Vec<FieldError>>);

/// Reads at most `rows_max` rows. The catalogue says which properties are
/// heights above a datum; whether properties exist is checked on registration.
pub fn read(bytes: &[u8], catalogue: &Catalogue, rows_max: usize) -> Result<Vec<Row>, FileError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| FileError::NotUtf8 {
        line: 1 + bytes[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count(),
    })?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader
        .records()
        .map(|record| record.expect("a flexible reader of UTF-8 in memory cannot fail"));
    let header = Header::parse(&records.next().ok_or(FileError::Empty)?)?;

    let mut lines = LineCounter::new(text);
    let mut rows = Vec::new();
    let mut lines_by_id: HashMap<ThingId, usize> = HashMap::new();
    for record in records {
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if rows.len() == rows_max {
            return Err(FileError::TooManyRows { max: rows_max });
        }
        let line = lines.line_of(&record);
        let thing = header.thing(&record, catalogue).and_then(|thing| {
            match lines_by_id.insert(thing.id.clone(), line) {
                None => Ok(thing),
                Some(first) => {
                    Err(vec![refused("id", format!("`{}` is in line {first} too", thing.id))])
                }
            }
        });
        rows.push((line, thing));
    }
    Ok(rows)
}

/// Writes header and rows, so that [`read`] gives the same things back.
pub fn write(things: &[Thing], catalogue: &Catalogue) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let never_fails = "writing records of one length to memory cannot fail";
    writer.write_record(COLUMNS).expect(never_fails);
    for thing in things {
        let cells = cells(thing, catalogue).map(harmless);
        writer.write_record(cells).expect(never_fails);
    }
    writer.into_inner().expect(never_fails)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Channel, DatastreamSpec, LocalizedName, ObservedProperty, Position, PropertyId, ThingKind,
        ThingState, Thresholds, TownshipCode,
    };

    const HEADER: &str = "id,kind,name_zh,name_en,township,longitude,latitude,state,datastreams,\
                          levels,datum,serves,raw_property\n";

    fn catalogue() -> Catalogue {
        let tide = serde_json::json!({
            "name": {"zh": "潮位", "en": "Tide level"},
            "unit": "m",
            "kinds": ["hydromet_station"],
            "datum": true,
            "mark": "S",
        });
        let id = PropertyId::from_static("tide_level");
        let spec = serde_json::from_value(tide).unwrap();
        Catalogue::new(vec![ObservedProperty { id, spec }]).unwrap()
    }

    #[track_caller]
    fn read_one(row: &str) -> Result<Thing, Vec<FieldError>> {
        let mut rows = read(format!("{HEADER}{row}").as_bytes(), &catalogue(), 10).unwrap();
        assert_eq!(rows.len(), 1);
        rows.remove(0).1
    }

    #[track_caller]
    fn check_columns_refused(row: &str, expected: &[&str]) {
        let problems = read_one(row).unwrap_err();
        let found: Vec<&str> = problems.iter().map(|problem| problem.column).collect();
        assert_eq!(found, expected, "{problems:?}");
    }

    #[track_caller]
    fn check_file_refused(bytes: &[u8], expected: &FileError) {
        assert_eq!(&read(bytes, &catalogue(), 1).unwrap_err(), expected);
    }

    #[test]
    fn a_row_becomes_a_thing() {
        let thing = read_one(
            "hm-001,hydromet_station,石浦站,Shipu,330225101,121.9,29.2,in_service,\
             wind_speed tide_level:2,tide_level:2=2.1/-/3.0/3.4,1985国家高程基准,330225103,",
        )
        .unwrap();
        assert_eq!(thing.name.zh, "石浦站");
        assert_eq!(thing.serves, [TownshipCode::parse("330225103").unwrap()]);
        let [wind, tide] = &thing.datastreams[..] else { panic!("two datastreams") };
        assert_eq!((wind.levels, wind.datum.as_deref()), (None, None));
        let levels =
            Thresholds { blue: Some(2.1), yellow: None, orange: Some(3.0), red: Some(3.4) };
        assert_eq!((tide.levels, tide.datum.as_deref()), (Some(levels), Some("1985国家高程基准")));
    }

    #[test]
    fn a_row_reports_all_its_problems() {
        check_columns_refused(
            "HM,boat,,Shipu,33,200,29,lost,wind,wave=1/2/3/4,,x,9",
            &[
                "id",
                "kind",
                "name_zh",
                "township",
                "longitude",
                "state",
                "levels",
                "serves",
                "raw_property",
            ],
        );
        check_columns_refused("gw-1,gateway,网关,Gateway,,,,in_service,,,,", &[""]);
    }

    #[test]
    fn bad_cells_name_their_column() {
        let row = |cells: &str| format!("hm-1,hydromet_station,站,Station,330225101,{cells}");
        check_columns_refused(&row("121.9,,in_service,,,,,"), &["latitude"]);
        check_columns_refused(&row(",inf,in_service,,,,,"), &["latitude"]);
        check_columns_refused(&row(",,in_service,a a,,,,"), &["datastreams"]);
        check_columns_refused(&row(",,in_service,a,a=4/3/5/-,,,"), &["levels"]);
        check_columns_refused(&row(",,in_service,a,a=-/-/-/-,,,"), &["levels"]);
        check_columns_refused(&row(",,in_service,a,a=1/2/3,,,"), &["levels"]);
        check_columns_refused(&row(",,in_service,a,,1985,,"), &["datum"]);
        check_columns_refused("hm-1,hydromet_station,站,Station,,,,in_service,,,,,", &["township"]);
    }

    #[test]
    fn levels_may_fall_towards_red() {
        let thing = read_one("a,enterprise,企,E,330225101,,,planned,o,o=20/19/18.5/18,,,");
        assert_eq!(thing.unwrap().datastreams[0].levels.unwrap().red, Some(18.0));
    }

    #[test]
    fn one_bad_row_costs_only_itself() {
        let file = format!(
            "\u{feff}{HEADER}gw-1,gateway,网关,Gateway,,,,in_service,,,,,\r\nx\r\n,,,,\r\n\
             gw-1,gateway,网关,Gateway,,,,in_service,,,,,\r\n"
        );
        let rows = read(file.as_bytes(), &catalogue(), 3).unwrap();
        let found: Vec<(usize, bool)> = rows.iter().map(|row| (row.0, row.1.is_ok())).collect();
        assert_eq!(found, [(2, true), (3, false), (5, false)]);
    }

    #[test]
    fn files_are_refused_for_their_header_their_length_and_their_encoding() {
        check_file_refused(b"", &FileError::Empty);
        check_file_refused(b"id,kin", &FileError::UnknownColumn { found: "kin".into() });
        check_file_refused(b"id,id", &FileError::DuplicateColumn { column: "id" });
        check_file_refused(b"id", &FileError::MissingColumn { column: "kind" });
        check_file_refused(b"id\n\xb5\xf1", &FileError::NotUtf8 { line: 2 });
        let long = format!("{HEADER}a\nb\n");
        check_file_refused(long.as_bytes(), &FileError::TooManyRows { max: 1 });
    }

    #[test]
    fn a_formula_is_written_as_text() {
        let thing = Thing {
            id: ThingId::parse("gw-1").unwrap(),
            kind: ThingKind::Gateway,
            name: LocalizedName { zh: "=1+1".into(), en: "-5".into() },
            township: None,
            position: None,
            state: ThingState::InService,
            serves: Vec::new(),
            raw_property: None,
            datastreams: Vec::new(),
        };
        let file = String::from_utf8(write(&[thing], &catalogue())).unwrap();
        assert!(file.ends_with("\r\ngw-1,gateway,'=1+1,-5,,,,in_service,,,,,\r\n"), "{file}");
    }

    fn levels() -> impl Strategy<Value = Option<Thresholds>> {
        let rising = proptest::array::uniform4(proptest::option::of(0.001..10.0));
        (rising, any::<bool>()).prop_map(|(steps, falls)| {
            let mut height = -15.0;
            let [blue, yellow, orange, red] = steps.map(|step| {
                height += step.unwrap_or(0.0);
                step.map(|_| if falls { -height } else { height })
            });
            let levels = Thresholds { blue, yellow, orange, red };
            levels.configured().next().map(|_| levels)
        })
    }

    fn thing() -> impl Strategy<Value = Thing> {
        let name = "[=+@'\" ,a象-]{0,8}[a象]";
        let datum = proptest::option::of("[A1国]{1,5}");
        let datastream = ("[a-z][a-z0-9_]{0,9}|tide_level", "[a-z0-9_]{1,5}", levels(), datum);
        let position = proptest::option::of((-180.0..180.0, -90.0..90.0));
        let township = Just(TownshipCode::parse("330225101").unwrap());
        (
            ("[a-z0-9][a-z0-9_-]{0,20}", 0..6_usize, name, name, 0..5_usize),
            (proptest::collection::vec(township, 0..3), proptest::option::of("[a-z]{1,9}")),
            (position, proptest::collection::vec(datastream, 0..5)),
        )
            .prop_map(|((id, kind, zh, en, state), (serves, raw), (position, streams))| {
                Thing {
                    id: ThingId::parse(&id).unwrap(),
                    kind: ThingKind::ALL[kind],
                    name: LocalizedName { zh, en },
                    township: Some(TownshipCode::parse("330225101").unwrap()),
                    position: position.map(|(lon, lat)| Position::new(lon, lat).unwrap()),
                    state: ThingState::ALL[state],
                    serves,
                    raw_property: raw.map(|raw| PropertyId::parse(&raw).unwrap()),
                    datastreams: streams
                        .into_iter()
                        .enumerate()
                        .map(|(n, (property, channel, levels, datum))| DatastreamSpec {
                            property: PropertyId::parse(&property).unwrap(),
                            channel: Some(Channel::parse(&format!("{n}{channel}")).unwrap()),
                            levels,
                            datum,
                        })
                        .collect(),
                }
            })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(thing in thing()) {
            let file = write(std::slice::from_ref(&thing), &catalogue());
            prop_assert_eq!(read(&file, &catalogue(), 1).unwrap(), vec![(2, Ok(thing))]);
        }

        #[test]
        fn any_bytes_give_rows_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let file = [HEADER.as_bytes(), &bytes].concat();
            let _ = read(&file, &catalogue(), 5);
        }
    }
}
