//! How one cell is written, and read back.

use std::fmt::Write as _;

use crate::{Catalogue, Channel, DatastreamSpec, PropertyId, Reading, Thing, Thresholds};

type StreamName = (PropertyId, Option<Channel>);

/// What a spreadsheet takes for the start of a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Puts a `'` before what a spreadsheet would compute, and before a `'` that
/// [`without_guard`] would take for one of ours.
pub(super) fn harmless(cell: String) -> String {
    if needs_guard(&cell) && !is_number(&cell) { format!("'{cell}") } else { cell }
}

pub(super) fn without_guard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if needs_guard(rest) => rest,
        _ => cell,
    }
}

fn needs_guard(cell: &str) -> bool {
    cell.starts_with(FORMULA_STARTS) || cell.starts_with('\'')
}

fn is_number(cell: &str) -> bool {
    cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && cell.parse::<f64>().is_ok()
}

pub(super) fn parse_number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("`{}` is not a number", shown(text))),
    }
}

/// `property[:channel]=blue/yellow/orange/red`, `-` for none; worse towards
/// red, rising or falling.
pub(super) fn parse_levels(text: &str) -> Result<(StreamName, Thresholds), String> {
    let refused = |reason: &str| {
        let shown = shown(text);
        format!("`{shown}` {reason}; write it like tide_level=2.1/2.5/3.0/3.4, - for none")
    };
    let (name, levels) = text.split_once('=').ok_or_else(|| refused("has no `=`"))?;
    let name = Reading::parse_name(name).map_err(|error| error.to_string())?;
    let mut parsed = Vec::new();
    for level in levels.split('/').take(5) {
        parsed.push(if level == "-" { None } else { Some(parse_number(level)?) });
    }
    let [blue, yellow, orange, red] = parsed[..] else {
        return Err(refused("has not four levels"));
    };
    let levels = Thresholds { blue, yellow, orange, red };
    let values: Vec<f64> = levels.configured().map(|(_, value)| value).collect();
    let rises = values.is_sorted_by(|milder, worse| milder < worse);
    let falls = values.is_sorted_by(|milder, worse| worse < milder);
    if values.is_empty() {
        Err(refused("sets no level"))
    } else if !rises && !falls {
        Err(refused("neither rises nor falls from blue to red"))
    } else {
        Ok((name, levels))
    }
}

/// `property[:channel]=datum`.
pub(super) fn parse_datum(entry: &str) -> Result<(StreamName, &str), String> {
    match entry.split_once('=') {
        Some((name, datum)) if !datum.trim().is_empty() => {
            let name = Reading::parse_name(name.trim()).map_err(|error| error.to_string())?;
            Ok((name, datum.trim()))
        }
        _ => Err(format!("`{}` is not property=datum", shown(entry))),
    }
}

pub(super) fn has_datum(spec: &DatastreamSpec, catalogue: &Catalogue) -> bool {
    catalogue.find(&spec.property).is_some_and(|property| property.spec.datum)
}

fn shown(text: &str) -> String {
    text.escape_debug().take(60).collect()
}

/// The cells of a thing, in the order of the columns.
pub(super) fn cells(thing: &Thing, catalogue: &Catalogue) -> [String; super::COLUMNS.len()] {
    let degrees = |degrees: Option<f64>| degrees.map_or_else(String::new, |d| d.to_string());
    [
        thing.id.to_string(),
        thing.kind.to_string(),
        thing.name.zh.clone(),
        thing.name.en.clone(),
        thing.township.map_or_else(String::new, |code| code.to_string()),
        degrees(thing.position.map(|position| position.longitude())),
        degrees(thing.position.map(|position| position.latitude())),
        thing.state.to_string(),
        joined(thing.datastreams.iter().map(local_name), " "),
        joined(thing.datastreams.iter().filter_map(levels_entry), " "),
        datum_cell(&thing.datastreams, catalogue),
        joined(thing.serves.iter().map(ToString::to_string), " "),
        thing.raw_property.as_ref().map_or_else(String::new, ToString::to_string),
    ]
}

fn joined(words: impl Iterator<Item = String>, separator: &str) -> String {
    words.collect::<Vec<_>>().join(separator)
}

fn local_name(spec: &DatastreamSpec) -> String {
    match &spec.channel {
        Some(channel) => format!("{}:{channel}", spec.property),
        None => spec.property.to_string(),
    }
}

fn levels_entry(spec: &DatastreamSpec) -> Option<String> {
    let levels = spec.levels?;
    let mut entry = local_name(spec);
    let values = [levels.blue, levels.yellow, levels.orange, levels.red];
    for (value, separator) in values.into_iter().zip(['=', '/', '/', '/']) {
        entry.push(separator);
        match value {
            Some(value) => write!(entry, "{value}").expect("writing to a String cannot fail"),
            None => entry.push('-'),
        }
    }
    Some(entry)
}

/// One name if all heights share it and nothing else has one.
fn datum_cell(datastreams: &[DatastreamSpec], catalogue: &Catalogue) -> String {
    let Some(first) = datastreams.iter().find_map(|spec| spec.datum.as_deref()) else {
        return String::new();
    };
    let is_shared = !first.contains('=')
        && datastreams
            .iter()
            .all(|spec| spec.datum.as_deref() == has_datum(spec, catalogue).then_some(first));
    if is_shared {
        return first.to_owned();
    }
    let entry =
        |spec: &DatastreamSpec| Some(format!("{}={}", local_name(spec), spec.datum.as_ref()?));
    joined(datastreams.iter().filter_map(entry), ";")
}
