//! `/readiness`: what every township has to feed the indices with, and what
//! each missing item costs.

use std::collections::BTreeMap;

use analytics::readiness::Readiness;
use analytics::record::{Feature, IndexId};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Time;
use serde::Serialize;
use utoipa::ToSchema;

use crate::etag;
use crate::extract::{ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::problem::ApiError;
use crate::situation::{self, named};
use crate::state::AppState;
use crate::wire::LocalizedText;

const INDICES: [IndexId; 2] = [IndexId::TownshipSafety, IndexId::FloodTyphoon];

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessView {
    /// The whole minute that it is of.
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    #[schema(example = "real")]
    origin: &'static str,
    /// Numbers added up; costs are the means of the townships'.
    county: FeatureReadiness,
    townships: Vec<FeatureReadiness>,
}

#[derive(Debug, Serialize, ToSchema)]
struct FeatureReadiness {
    #[schema(example = "330225101")]
    code: String,
    name: LocalizedText,
    indices: Vec<IndexReadiness>,
}

#[derive(Debug, Serialize, ToSchema)]
struct IndexReadiness {
    #[schema(example = "flood-typhoon")]
    index: &'static str,
    /// 1 less what its items cost.
    #[schema(example = 0.75)]
    coverage: f64,
    items: Vec<ReadinessItem>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
struct ReadinessItem {
    #[schema(example = "exposure")]
    dimension: String,
    /// Hazard group, item or indicator.
    #[schema(example = "vessels_out")]
    id: String,
    /// `known`, `held`, `unknown` or `not_applicable`; `null` of the county.
    #[schema(example = "unknown")]
    state: Option<&'static str>,
    /// Datastreams registered for it.
    registered: u32,
    /// Those of sensors that are no older than their period.
    sensed: u32,
    /// Those of people that were ever reported.
    reported: u32,
    /// Its lists are entered or confirmed empty; its stations have levels.
    configured: bool,
    /// How much coverage of the index is lost through it, 0 to 1. In Index B
    /// a dimension is covered or not: only in one that is not do items cost.
    #[schema(example = 0.0625)]
    coverage_cost: f64,
}

/// What feeds the indices, and what is missing
#[utoipa::path(get, path = "/api/v1/readiness", operation_id = "get_readiness", tag = "indices",
    responses((status = 200, description = "By township, index and item",
        body = ReadinessView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let picture = situation::newest(&state)?;
    let feature = |feature: Feature, indices: Vec<IndexReadiness>| {
        let (code, name) = named(&state, feature);
        FeatureReadiness { code, name, indices }
    };
    let townships: Vec<FeatureReadiness> = picture
        .townships
        .iter()
        .map(|(code, found)| {
            let indices = INDICES.map(|index| of_index(index, found.ready(index)));
            feature(Feature::Township(*code), indices.into_iter().collect())
        })
        .collect();
    let county = INDICES.map(|index| {
        let all = picture.townships.values().map(|found| found.ready(index));
        county_of(index, &all.collect::<Vec<_>>())
    });
    let view = ReadinessView {
        time: picture.situation.at,
        origin: state.store.origin().as_str(),
        county: feature(Feature::County, county.into_iter().collect()),
        townships,
    };
    etag::respond(&headers, &view, None)
}

fn item(found: &Readiness) -> ReadinessItem {
    ReadinessItem {
        dimension: found.dimension.clone(),
        id: found.id.clone(),
        state: Some(found.state.as_str()),
        registered: found.fed.n_registered,
        sensed: found.fed.n_sensed,
        reported: found.fed.n_reported,
        configured: found.fed.is_configured,
        coverage_cost: found.coverage_cost,
    }
}

fn index_readiness(index: IndexId, items: Vec<ReadinessItem>) -> IndexReadiness {
    let cost = items.iter().fold(0.0, |sum, item| sum + item.coverage_cost);
    IndexReadiness { index: index.as_str(), coverage: (1.0 - cost).clamp(0.0, 1.0), items }
}

fn of_index(index: IndexId, found: &[Readiness]) -> IndexReadiness {
    index_readiness(index, found.iter().map(item).collect())
}

/// An item stands where the first township that has it puts it.
fn county_of(index: IndexId, townships: &[&[Readiness]]) -> IndexReadiness {
    let n = townships.len().max(1) as f64;
    let mut items: Vec<ReadinessItem> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for found in townships.iter().flat_map(|found| found.iter()) {
        let mut found = item(found);
        found.state = None;
        found.coverage_cost /= n;
        match places.get(&found.id).and_then(|place| items.get_mut(*place)) {
            Some(held) => {
                held.registered += found.registered;
                held.sensed += found.sensed;
                held.reported += found.reported;
                held.configured &= found.configured;
                held.coverage_cost += found.coverage_cost;
            }
            None => {
                places.insert(found.id.clone(), items.len());
                items.push(found);
            }
        }
    }
    index_readiness(index, items)
}
