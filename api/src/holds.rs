//! `/indices/{index}/townships/{code}/holds`: why a level still stands, and
//! when it falls.

use analytics::levels::Fall;
use analytics::record::{Feature, IndexId, NodeRecord, ScoreRecord};
use analytics::{HeldStation, TownshipPicture};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Time;
use serde::Serialize;
use utoipa::ToSchema;

use crate::etag;
use crate::extract::{ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::indices::{find_feature, find_index, latest, no_score};
use crate::problem::{ApiError, Message};
use crate::situation;
use crate::state::AppState;
use crate::wire::level_name;

/// Why a township's level still stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Holds {
    #[schema(example = "flood-typhoon")]
    index: &'static str,
    #[schema(example = "330225101")]
    township: String,
    /// The whole minute that it is of.
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    #[schema(example = "red")]
    level: Option<&'static str>,
    #[schema(example = "red")]
    displayed_level: Option<&'static str>,
    held: Vec<HeldPart>,
    /// The next improvement, if what is known now stays as it is: a level
    /// falls after a run of 30 min. `null` while no such run is going on.
    falls: Option<FallView>,
    /// When that run began.
    #[schema(value_type = Option<String>, format = DateTime)]
    run_since: Option<Time>,
}

/// What still counts although nothing newer came.
#[derive(Debug, Serialize, ToSchema)]
struct HeldPart {
    /// Quantity, or the item or indicator where a whole one is held.
    #[schema(example = "tide_level")]
    quantity: String,
    /// Its hazard group or dimension.
    #[schema(example = "tide")]
    group: String,
    /// What an override is put on.
    #[schema(example = "hm-014/tide_level")]
    datastream: Option<String>,
    #[schema(example = "hm-014")]
    thing: Option<String>,
    /// Its last value while it was fresh.
    value: Option<f64>,
    #[schema(example = "m")]
    unit: Option<String>,
    score: Option<f64>,
    /// The last instant at which it was fresh.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Time>,
    /// Time of its newest reading.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_time: Option<Time>,
    #[schema(example = "held")]
    state: &'static str,
    /// `silent`, `coming_back` (one more fresh reading ends it) or
    /// `report_old`.
    #[schema(example = "silent")]
    reason: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct FallView {
    #[schema(example = "orange")]
    to: &'static str,
    #[schema(value_type = String, format = DateTime)]
    at: Time,
}

/// Why a level still stands
///
/// Each input that is held, since when, and when the level falls if nothing
/// more comes. A person ends a hold by an override of its datastream.
#[utoipa::path(get, path = "/api/v1/indices/{index}/townships/{code}/holds",
    operation_id = "list_holds", tag = "indices",
    params(("index" = String, Path, description = "Index id, as `flood-typhoon`"),
        ("code" = String, Path, description = "Code of the township")),
    responses((status = 200, description = "Held inputs", body = Holds)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath((index, code)): ApiPath<(String, String)>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let (index, feature) = (find_index(&index)?, find_feature(&state, &code)?);
    let Feature::Township(township) = feature else {
        return Err(ApiError::not_found(Message::NoExplanation).with_code("no_explanation"));
    };
    let picture = situation::newest(&state)?;
    let tick = latest(&state)?;
    let mut records = tick.scores.iter();
    let record = records.find(|record| record.index == index && record.feature == feature);
    let (Some(record), Some(found)) = (record, picture.townships.get(&township)) else {
        return Err(no_score());
    };
    let fall = match index {
        IndexId::TownshipSafety => found.safety_fall,
        IndexId::FloodTyphoon => found.flood_fall,
        // Hazard has no memory: it falls with its values.
        IndexId::Hazard => None,
    };
    let holds = Holds {
        index: index.as_str(),
        township: code,
        time: picture.situation.at,
        level: record.level.map(level_name),
        displayed_level: record.flood.as_ref().map(|flood| level_name(flood.displayed_level)),
        held: held(index, record, found),
        falls: fall.map(|Fall { to, at, .. }| FallView { to: level_name(to), at }),
        run_since: fall.map(|fall| fall.since),
    };
    etag::respond(&headers, &holds, None)
}

/// Stations by their memory; items and indicators as the explanation has them.
fn held(index: IndexId, record: &ScoreRecord, picture: &TownshipPicture) -> Vec<HeldPart> {
    let mut held: Vec<HeldPart> = match index {
        IndexId::TownshipSafety => Vec::new(),
        IndexId::FloodTyphoon | IndexId::Hazard => picture.held.iter().map(station).collect(),
    };
    let dimensions = record.explanation.iter().flat_map(|tree| &tree.parts);
    for dimension in dimensions {
        let parts = dimension.parts.iter().filter(|part| part.state == "held");
        let leaves = parts.filter(|part| matches!(&*part.kind, "item" | "indicator"));
        held.extend(leaves.map(|part| leaf(dimension, part)));
    }
    held
}

fn station(held: &HeldStation) -> HeldPart {
    HeldPart {
        quantity: held.quantity.to_string(),
        group: held.group.clone(),
        datastream: Some(held.datastream.to_string()),
        thing: Some(held.datastream.thing.to_string()),
        value: Some(held.hold.value),
        unit: Some(held.unit.clone()),
        score: Some(held.hold.score),
        since: Some(held.hold.fresh_at),
        last_time: Some(held.hold.newest),
        state: "held",
        reason: if held.hold.n_fresh > 0 { "coming_back" } else { "silent" },
    }
}

fn leaf(dimension: &NodeRecord, part: &NodeRecord) -> HeldPart {
    let raw = part.raw.as_ref();
    let datastream = raw.and_then(|raw| raw.datastreams.first()).cloned();
    let thing = datastream.as_deref().and_then(|id| id.split_once('/'));
    HeldPart {
        quantity: part.id.clone(),
        group: dimension.id.clone(),
        thing: thing.map(|(thing, _)| thing.to_owned()),
        datastream,
        value: raw.map(|raw| raw.value),
        unit: raw.map(|raw| raw.unit.clone()),
        score: part.score,
        since: raw.map(|raw| raw.time),
        last_time: raw.map(|raw| raw.time),
        state: "held",
        reason: "report_old",
    }
}
