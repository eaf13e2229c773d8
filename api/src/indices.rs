//! `/indices` and their scores.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Time;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::etag;
use crate::extract::{ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::paging;
use crate::problem::{ApiError, Message};
use crate::score_source::ScoreTick;
use crate::state::AppState;
use crate::wire::{HAZARD, LocalizedText, Page, Score, level_name};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index {
    #[schema(example = "hazard")]
    id: &'static str,
    name: LocalizedText,
    #[schema(example = "high_is_dangerous")]
    direction: &'static str,
    #[schema(example = "hazard@1")]
    model: String,
    /// SHA-256 of the model file.
    model_hash: String,
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
    #[schema(example = "hazard")]
    index: &'static str,
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    /// The last commit that the scores see.
    #[schema(example = 88_231)]
    commit: u64,
    #[schema(example = "real")]
    origin: &'static str,
    #[schema(value_type = Vec<Score>)]
    items: Vec<Arc<Score>>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScoresQuery {
    /// The scores of this instant instead of the latest ones.
    #[param(format = DateTime)]
    at: Option<String>,
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
    let text = |zh: &str, en: &str| LocalizedText { zh: zh.to_owned(), en: en.to_owned() };
    let levels = state.levels.iter();
    let index = Index {
        id: HAZARD,
        name: text("风雨危险度", "Wind and rain hazard"),
        direction: "high_is_dangerous",
        model: state.model.clone(),
        model_hash: state.model_hash.clone(),
        levels: levels
            .map(|(level, from)| LevelBound { level: level_name(*level), from: *from })
            .collect(),
        note: text(
            "系统研判,不是预警;只看本乡镇的风和雨,不含暴露度与应对能力。",
            "An assessment, not a warning: wind and rain of the township alone, without exposure \
             or capability.",
        ),
    };
    Page::whole(vec![index]).respond(&headers, "/api/v1/indices")
}

/// Scores of all townships
///
/// The latest, or those of the instant `at`, computed from what is known now.
#[utoipa::path(get, path = "/api/v1/indices/{index}/scores", operation_id = "list_scores",
    tag = "indices",
    params(("index" = String, Path, description = "Index id, as `hazard`"), ScoresQuery),
    responses((status = 200, description = "Scores with their parts", body = Scores)))]
pub(crate) async fn scores(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath(index): ApiPath<String>,
    ApiQuery(query): ApiQuery<ScoresQuery>,
) -> Result<Response, ApiError> {
    if index != HAZARD {
        let shown = index.escape_debug().take(80).collect();
        return Err(ApiError::not_found(Message::NoSuchIndex(shown)).with_code("index_not_found"));
    }
    let tick = match paging::filter("at", query.at.as_deref(), Time::parse)? {
        Some(at) => Arc::new((state.score_at)(at).await?),
        None => state.hub.latest_scores().ok_or_else(|| {
            ApiError::unavailable(Message::ScoresPending).with_code("scores_pending")
        })?,
    };
    etag::respond(&headers, &answer(&state, &tick), None)
}

fn answer(state: &AppState, tick: &ScoreTick) -> Scores {
    Scores {
        index: HAZARD,
        time: tick.at,
        commit: tick.commit,
        origin: state.store.origin().as_str(),
        items: tick.scores.iter().map(|(_, score)| Arc::clone(score)).collect(),
    }
}
