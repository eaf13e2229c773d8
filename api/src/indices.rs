//! `/indices` and the scores of all townships.

use std::sync::Arc;

use analytics::knots::danger_bound;
use analytics::record::{Feature, IndexId, ScoreRecord};
use analytics::{CountyTick, decode_score};
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use model::{Level, Time, TownshipCode};
use serde::{Deserialize, Serialize};
use store::{ScoreRow, TimeRange};
use utoipa::{IntoParams, ToSchema};

use crate::etag;
use crate::extract::{ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::paging;
use crate::problem::{ApiError, Language, Message, RequestContext};
use crate::state::AppState;
use crate::wire::{LocalizedText, Page, Score, level_name};

/// The tick of an instant is looked for this far back; between ticks lies a
/// minute at most while the program runs.
const TICK_BEFORE: std::time::Duration = std::time::Duration::from_secs(120);
const TICKS_MAX: usize = 1_000;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index {
    #[schema(example = "flood-typhoon")]
    id: &'static str,
    name: LocalizedText,
    /// `high_is_dangerous` or `high_is_safe`.
    #[schema(example = "high_is_dangerous")]
    direction: &'static str,
    #[schema(value_type = String, example = "flood-typhoon@3")]
    model: Arc<str>,
    /// SHA-256 of the model file.
    #[schema(value_type = String)]
    model_hash: Arc<str>,
    /// From which score on each level holds.
    levels: Vec<LevelBound>,
    note: LocalizedText,
}

#[derive(Debug, Serialize, ToSchema)]
struct LevelBound {
    #[schema(example = "blue")]
    level: &'static str,
    #[schema(example = 40)]
    from: f64,
}

/// The scores of one instant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Scores {
    #[schema(example = "flood-typhoon")]
    index: &'static str,
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    /// The last commit that the scores see; `null` for an instant at which no
    /// tick was.
    #[schema(example = 88_231)]
    commit: Option<u64>,
    #[schema(example = "real")]
    origin: &'static str,
    /// One a township.
    items: Vec<Score>,
    /// `null` while it was never computed.
    county: Option<Score>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AtQuery {
    /// As it was shown at this instant instead of the latest.
    #[param(format = DateTime)]
    pub(crate) at: Option<String>,
}

impl AtQuery {
    pub(crate) fn parse(&self) -> Result<Option<Time>, ApiError> {
        paging::filter("at", self.at.as_deref(), Time::parse)
    }
}

/// The indices that are computed
#[utoipa::path(get, path = "/api/v1/indices", operation_id = "list_indices", tag = "indices",
    responses((status = 200, description = "Indices", body = Page<Index>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    let items = IndexId::ALL.map(|index| describe(&state, index)).into_iter().collect();
    Page::whole(items).respond(&headers, "/api/v1/indices")
}

fn describe(state: &AppState, index: IndexId) -> Index {
    let text = |zh: &str, en: &str| LocalizedText { zh: zh.to_owned(), en: en.to_owned() };
    let (name, note) = match index {
        IndexId::TownshipSafety => (
            text("乡镇街道安全发展指数", "Township safety index"),
            text("系统研判;高为安全。", "An assessment by this system; high is safe."),
        ),
        IndexId::FloodTyphoon => (
            text("基层防汛防台综合指数", "Flood and typhoon index"),
            text(
                "系统研判,不是预警;高为危险。",
                "An assessment, not a warning; high is dangerous.",
            ),
        ),
        IndexId::Hazard => (
            text("致灾危险性", "Hazard"),
            text(
                "防汛防台综合指数的危险性部分,不含暴露度与应对能力;系统研判,不是预警。",
                "The hazard part of the flood and typhoon index, without exposure or capability; \
                 an assessment, not a warning.",
            ),
        ),
    };
    let model = state.score_facts.model(index);
    Index {
        id: index.as_str(),
        name,
        direction: match index {
            IndexId::TownshipSafety => "high_is_safe",
            IndexId::FloodTyphoon | IndexId::Hazard => "high_is_dangerous",
        },
        model: Arc::clone(&model.model),
        model_hash: Arc::clone(&model.hash),
        levels: bounds(state, index),
        note,
    }
}

fn bounds(state: &AppState, index: IndexId) -> Vec<LevelBound> {
    let bound = |(level, from)| LevelBound { level: level_name(level), from };
    match index {
        IndexId::TownshipSafety => {
            let [blue, yellow, orange] = state.runner.models().safety.bounds;
            Level::COLOURED.into_iter().zip([blue, yellow, orange, 0.0]).map(bound).collect()
        }
        IndexId::FloodTyphoon | IndexId::Hazard => {
            Level::COLOURED.map(|level| bound((level, danger_bound(level)))).into_iter().collect()
        }
    }
}

/// Scores of all townships and of the county
///
/// The latest, or as they were shown at the instant `at`: none from before the
/// first.
#[utoipa::path(get, path = "/api/v1/indices/{index}/scores", operation_id = "list_scores",
    tag = "indices",
    params(("index" = String, Path, description = "Index id, as `flood-typhoon`"), AtQuery),
    responses((status = 200, description = "Scores without their parts", body = Scores)))]
pub(crate) async fn scores(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    _: Caller,
    headers: HeaderMap,
    ApiPath(index): ApiPath<String>,
    ApiQuery(query): ApiQuery<AtQuery>,
) -> Result<Response, ApiError> {
    let index = find_index(&index)?;
    let answer = match query.parse()? {
        Some(at) => scores_at(&state, index, at, context.language).await?,
        None => {
            let tick = latest(&state)?;
            let records = tick.scores.iter().map(|record| &**record);
            let of_index = records.filter(|record| record.index == index);
            answer(&state, index, (tick.at, Some(tick.commit)), of_index, context.language)
        }
    };
    etag::respond(&headers, &answer, None)
}

pub(crate) fn latest(state: &AppState) -> Result<Arc<CountyTick>, ApiError> {
    state
        .runner
        .latest()
        .ok_or_else(|| ApiError::unavailable(Message::ScoresPending).with_code("scores_pending"))
}

async fn scores_at(
    state: &AppState,
    index: IndexId,
    at: Time,
    language: Language,
) -> Result<Scores, ApiError> {
    let rows = state.store.scores_at(index.as_str(), at).await?;
    let records = rows.iter().map(decode).collect::<Result<Vec<ScoreRecord>, ApiError>>()?;
    let range =
        TimeRange { start: at - TICK_BEFORE, stop: at + std::time::Duration::from_millis(1) };
    let tick = state.store.ticks(range, TICKS_MAX).await?.into_iter().next_back();
    let commit = tick.map(|tick| tick.commit);
    Ok(answer(state, index, (at, commit), records.iter(), language))
}

fn answer<'a>(
    state: &AppState,
    index: IndexId,
    (time, commit): (Time, Option<u64>),
    records: impl Iterator<Item = &'a ScoreRecord>,
    language: Language,
) -> Scores {
    let (mut items, mut county) = (Vec::new(), None);
    for record in records {
        let score = state.score_facts.score(record, language);
        match record.feature {
            Feature::County => county = Some(score),
            Feature::Township(_) => items.push(score),
        }
    }
    let origin = state.store.origin().as_str();
    Scores { index: index.as_str(), time, commit, origin, items, county }
}

pub(crate) fn find_index(text: &str) -> Result<IndexId, ApiError> {
    IndexId::parse(text).ok_or_else(|| {
        let shown = text.escape_debug().take(80).collect();
        ApiError::not_found(Message::NoSuchIndex(shown)).with_code("index_not_found")
    })
}

/// A township of the county, or the county by its own code.
pub(crate) fn find_feature(state: &AppState, code: &str) -> Result<Feature, ApiError> {
    if code == state.county.code {
        return Ok(Feature::County);
    }
    let township = TownshipCode::parse(code).ok();
    match township.filter(|code| state.county.township(*code).is_some()) {
        Some(code) => Ok(Feature::Township(code)),
        None => {
            let shown = code.escape_debug().take(80).collect();
            Err(ApiError::not_found(Message::NoSuchTownship(shown)).with_code("township_not_found"))
        }
    }
}

pub(crate) fn no_score() -> ApiError {
    ApiError::not_found(Message::NoScore).with_code("score_not_found")
}

/// How a feature is written in the journal.
pub(crate) fn feature_key(feature: Feature) -> String {
    match feature {
        Feature::County => "county".to_owned(),
        Feature::Township(code) => code.to_string(),
    }
}

pub(crate) fn decode(row: &ScoreRow) -> Result<ScoreRecord, ApiError> {
    decode_score(&row.body).map_err(|error| {
        let (index, feature, at) = (&row.index, &row.feature, row.at);
        tracing::error!(%error, index, feature, %at, "stored score cannot be read");
        ApiError::internal()
    })
}
