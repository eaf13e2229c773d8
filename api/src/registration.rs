//! From what a client sends to a [`Thing`]: every problem at once, each with
//! its place.

use std::collections::HashSet;

use model::{
    Catalogue, Channel, DatastreamSpec, LocalizedName, Position, PropertyId, Thing, ThingId,
    ThingKind, ThingState, TownshipCode,
};

use crate::county::County;
use crate::problem::{ApiError, FieldError, Kind, Message};
use crate::wire::{DatastreamInput, ThingInput};

const NAME_MAX: usize = 200;
const SERVES_MAX: usize = 64;
const DATASTREAMS_MAX: usize = 200;

/// One thing that is wrong with a thing, where it stands in the JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) pointer: String,
    pub(crate) reason: String,
}

fn refusal(pointer: impl Into<String>, reason: impl ToString) -> Refusal {
    Refusal { pointer: pointer.into(), reason: reason.to_string() }
}

/// What registrations are checked against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) county: &'a County,
}

impl Rules<'_> {
    /// Reads the input and checks what it says.
    pub(crate) fn thing(&self, input: ThingInput) -> Result<Thing, ApiError> {
        let refusals = match read(input) {
            Ok(thing) => match self.check(&thing) {
                refusals if refusals.is_empty() => return Ok(thing),
                refusals => refusals,
            },
            Err(refusals) => refusals,
        };
        let errors: Vec<FieldError> = refusals
            .into_iter()
            .map(|refusal| FieldError::at(refusal.pointer, refusal.reason))
            .collect();
        let message = Message::ThingInvalid { n: errors.len() };
        Err(ApiError::new(Kind::Validation, message).with_code("thing_invalid").with_errors(errors))
    }

    /// What a well-formed thing says that cannot be.
    pub(crate) fn check(&self, thing: &Thing) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        match thing.township {
            None if thing.kind != ThingKind::Gateway => {
                refusals.push(refusal("#/township", "is missing; only gateways have none"));
            }
            Some(code) if self.county.township(code).is_none() => {
                refusals.push(refusal("#/township", format!("{code} is no township here")));
            }
            _ => (),
        }
        for (index, code) in thing.serves.iter().enumerate() {
            if self.county.township(*code).is_none() {
                let reason = format!("{code} is no township here");
                refusals.push(refusal(format!("#/serves/{index}"), reason));
            }
        }
        refusals.extend(self.check_position(thing));
        for (index, spec) in thing.datastreams.iter().enumerate() {
            refusals.extend(self.check_datastream(thing, index, spec));
        }
        if let Some(property) = &thing.raw_property
            && self.catalogue.find(property).is_none()
        {
            let reason = format!("property `{property}` is not in the catalogue");
            refusals.push(refusal("#/raw_property", reason));
        }
        refusals
    }

    /// What stands on land stands in the county: a place outside is most
    /// likely latitude before longitude, or another coordinate system.
    fn check_position(&self, thing: &Thing) -> Option<Refusal> {
        let is_on_land = !matches!(thing.kind, ThingKind::FishingVessel | ThingKind::Gateway);
        let place = thing.position.filter(|_| is_on_land)?;
        let (longitude, latitude) = (place.longitude(), place.latitude());
        if self.county.is_near(longitude, latitude) {
            return None;
        }
        let reason = format!(
            "[{longitude}, {latitude}] is outside the county; \
             a position is [longitude, latitude] in WGS 84"
        );
        Some(refusal("#/position", reason))
    }

    fn check_datastream(
        &self,
        thing: &Thing,
        index: usize,
        spec: &DatastreamSpec,
    ) -> Option<Refusal> {
        let property = &spec.property;
        let pointer = format!("#/datastreams/{index}/property");
        let Some(entry) = self.catalogue.find(property) else {
            let reason = format!("property `{property}` is not in the catalogue");
            return Some(refusal(pointer, reason));
        };
        if entry.is_computed() {
            let reason = format!("property `{property}` is computed, nobody reports it");
            return Some(refusal(pointer, reason));
        }
        if !entry.is_of_kind(thing.kind) && thing.kind != ThingKind::Gateway {
            let reason = format!("a {} has no `{property}`", thing.kind);
            return Some(refusal(pointer, reason));
        }
        if !entry.allows_channel(spec.channel.as_ref()) {
            let known = entry.spec.channels.iter().map(ToString::to_string).collect::<Vec<_>>();
            let reason = format!("`{property}` has the channels {}", known.join(", "));
            return Some(refusal(format!("#/datastreams/{index}/channel"), reason));
        }
        None
    }
}

/// Each field by its grammar.
fn read(input: ThingInput) -> Result<Thing, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let id = keep(&mut refusals, "#/id", ThingId::parse(&input.id));
    let kind = keep(&mut refusals, "#/kind", input.kind.parse::<ThingKind>());
    let state = keep(&mut refusals, "#/state", input.state.parse::<ThingState>());
    check_text(&mut refusals, "#/name/zh", &input.name.zh);
    check_text(&mut refusals, "#/name/en", &input.name.en);
    let township = input
        .township
        .and_then(|text| keep(&mut refusals, "#/township", TownshipCode::parse(&text)));
    let position = input.position.and_then(|place| read_position(&mut refusals, place));
    if input.serves.len() > SERVES_MAX {
        refusals.push(refusal("#/serves", format!("has more than {SERVES_MAX} townships")));
    }
    let serves = input
        .serves
        .iter()
        .take(SERVES_MAX)
        .enumerate()
        .filter_map(|(index, text)| {
            keep(&mut refusals, format!("#/serves/{index}"), TownshipCode::parse(text))
        })
        .collect();
    let raw_property = input
        .raw_property
        .and_then(|text| keep(&mut refusals, "#/raw_property", PropertyId::parse(&text)));
    let datastreams = read_datastreams(&mut refusals, input.datastreams);
    match (id, kind, state) {
        (Some(id), Some(kind), Some(state)) if refusals.is_empty() => {
            let name = LocalizedName { zh: input.name.zh, en: input.name.en };
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
        _ => Err(refusals),
    }
}

fn keep<T, E: ToString>(
    refusals: &mut Vec<Refusal>,
    pointer: impl Into<String>,
    result: Result<T, E>,
) -> Option<T> {
    result.map_err(|error| refusals.push(refusal(pointer, error))).ok()
}

fn check_text(refusals: &mut Vec<Refusal>, pointer: impl Into<String>, text: &str) {
    if text.trim().is_empty() {
        refusals.push(refusal(pointer, "is empty"));
    } else if text.chars().count() > NAME_MAX {
        refusals.push(refusal(pointer, format!("has more than {NAME_MAX} characters")));
    } else if text.chars().any(char::is_control) {
        refusals.push(refusal(pointer, "has control characters"));
    }
}

fn read_position(refusals: &mut Vec<Refusal>, [longitude, latitude]: [f64; 2]) -> Option<Position> {
    let position = Position::new(longitude, latitude);
    if position.is_err() && Position::new(latitude, longitude).is_ok() {
        let reason = "looks like [latitude, longitude]; longitude comes first";
        refusals.push(refusal("#/position", reason));
        return None;
    }
    keep(refusals, "#/position", position)
}

fn read_datastreams(
    refusals: &mut Vec<Refusal>,
    inputs: Vec<DatastreamInput>,
) -> Vec<DatastreamSpec> {
    if inputs.len() > DATASTREAMS_MAX {
        let reason = format!("has more than {DATASTREAMS_MAX} datastreams");
        refusals.push(refusal("#/datastreams", reason));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut specs = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.into_iter().enumerate() {
        let at = |field: &str| format!("#/datastreams/{index}/{field}");
        let property = keep(refusals, at("property"), PropertyId::parse(&input.property));
        let channel =
            input.channel.and_then(|text| keep(refusals, at("channel"), Channel::parse(&text)));
        if let Some(datum) = &input.datum {
            check_text(refusals, at("datum"), datum);
        }
        let Some(property) = property else { continue };
        if !seen.insert((property.clone(), channel.clone())) {
            refusals.push(refusal(at("property"), format!("`{property}` is there twice")));
        }
        specs.push(DatastreamSpec {
            property,
            channel,
            levels: input.levels.map(Into::into),
            datum: input.datum,
        });
    }
    specs
}
