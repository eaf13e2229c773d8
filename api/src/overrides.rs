//! `/datastreams/{id}/overrides`: what a person decided about a datastream.

use std::time::Duration;

use analytics::record::{Feature, IndexId, ScoreRecord};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use model::{
    DatastreamId, Document, DocumentId, DocumentKind, Level, Override, OverrideKind, Time,
};
use serde::{Deserialize, Serialize};
use store::{Expected, Role};
use utoipa::ToSchema;

use crate::cursor::Query;
use crate::documents::checks::{Checks, new_id};
use crate::documents::resource::{self, PageQuery, Resource, Stored, Version};
use crate::extract::{ApiJson, ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::indices;
use crate::observations;
use crate::problem::{ApiError, Check};
use crate::state::AppState;
use crate::wire::Page;

const UNTIL_MAX: Duration = Duration::from_secs(72 * 3_600);

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Override)]
pub(crate) struct OverrideView {
    #[schema(example = "ov-1")]
    id: String,
    #[schema(example = "hm-001/tide_level")]
    datastream: String,
    /// `fault` (as in maintenance; its alarms are marked false), `release`
    /// (ends a hold) or `confirm` (ends 未证实).
    #[schema(example = "fault")]
    kind: &'static str,
    reason: String,
    #[schema(example = "wang")]
    by: String,
    /// Who agreed, at orange and red.
    #[schema(example = "li")]
    second: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    from: Time,
    #[schema(value_type = String, format = DateTime)]
    until: Time,
    /// Ended before its time.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended: Option<Time>,
    revision: u64,
    stored: Stored,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideInput {
    /// `fault`, `release` or `confirm`.
    #[serde(default)]
    #[schema(required = true, example = "fault")]
    kind: Option<String>,
    #[serde(default)]
    #[schema(required = true, max_length = 2000)]
    reason: Option<String>,
    /// At most 72 h from now.
    #[serde(default)]
    #[schema(required = true, value_type = String, format = DateTime)]
    until: Option<Time>,
    /// Another person's account; required while the hazard level of the
    /// thing's township is orange or red.
    #[serde(default)]
    #[schema(example = "li")]
    second: Option<String>,
}

const KINDS: [(&str, OverrideKind); 3] = [
    ("fault", OverrideKind::Fault),
    ("release", OverrideKind::Release),
    ("confirm", OverrideKind::Confirm),
];

impl OverrideInput {
    async fn check(
        self,
        state: &AppState,
        caller: &Caller,
        datastream: DatastreamId,
    ) -> Result<Override, ApiError> {
        let mut checks = Checks::default();
        let (by, now) = (caller.identity.actor(), state.clock.scene());
        let known = "fault, release, confirm";
        let kind = checks.word("#/kind", self.kind.as_deref(), &KINDS, known);
        let reason = checks.reason("#/reason", self.reason);
        let until = checks.until(self.until, now, UNTIL_MAX);
        let second = self.second.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        match &second {
            Some(second) if *second == by => checks.refuse("#/second", Check::SecondIsFirst),
            Some(second) if !may_agree(state, second).await? => {
                let shown = second.escape_debug().take(80).collect();
                checks.refuse("#/second", Check::NoSuchUser(shown));
            }
            None if hazard_level(state, &datastream).await? >= Level::Orange => {
                checks.refuse("#/second", Check::SecondMissing);
            }
            _ => (),
        }
        let made = || {
            Some(Override {
                id: new_id(Override::PREFIX),
                datastream,
                kind: kind?,
                reason: reason?,
                by,
                second,
                from: now,
                until: until?,
                ended: None,
            })
        };
        let made = made();
        checks.finish(made)
    }
}

/// Who may act may also agree.
async fn may_agree(state: &AppState, name: &str) -> Result<bool, ApiError> {
    let user = state.store.registry().user(name).await?;
    Ok(user.is_some_and(|user| {
        !user.disabled && matches!(user.role, Role::Administrator | Role::Engineer)
    }))
}

/// The worst hazard level of the townships that the thing speaks for: the
/// latest, or after a start the last stored one.
async fn hazard_level(state: &AppState, datastream: &DatastreamId) -> Result<Level, ApiError> {
    let directory = state.store.directory();
    let Some(thing) = directory.things.get(&datastream.thing) else { return Ok(Level::None) };
    let thing = &thing.thing;
    let level = |record: &ScoreRecord| match record.feature {
        Feature::Township(code)
            if record.index == IndexId::FloodTyphoon
                && (thing.township == Some(code) || thing.serves.contains(&code)) =>
        {
            record.flood.as_ref().map(|flood| flood.hazard_level)
        }
        _ => None,
    };
    let worst = match state.runner.latest() {
        Some(tick) => tick.scores.iter().filter_map(|record| level(record)).max(),
        None => {
            let index = IndexId::FloodTyphoon.as_str();
            let rows = state.store.scores_at(index, state.clock.scene()).await?;
            let records = rows.iter().map(indices::decode).collect::<Result<Vec<_>, _>>()?;
            records.iter().filter_map(level).max()
        }
    };
    Ok(worst.unwrap_or(Level::None))
}

fn kind_name(kind: OverrideKind) -> &'static str {
    match kind {
        OverrideKind::Fault => "fault",
        OverrideKind::Release => "release",
        OverrideKind::Confirm => "confirm",
    }
}

impl Resource for Override {
    type View = OverrideView;

    const KIND: DocumentKind = DocumentKind::Override;
    const PREFIX: &'static str = "ov";

    fn from_document(document: Document) -> Option<Override> {
        match document {
            Document::Override(found) => Some(found),
            _ => None,
        }
    }

    fn into_document(self) -> Document {
        Document::Override(self)
    }

    fn id(&self) -> &DocumentId {
        &self.id
    }

    fn location(&self) -> String {
        let datastream = self.datastream.to_string().replace('/', "%2F");
        format!("/api/v1/datastreams/{datastream}/overrides/{}", self.id)
    }

    fn view(&self, revision: u64, stored: Stored) -> OverrideView {
        OverrideView {
            id: self.id.to_string(),
            datastream: self.datastream.to_string(),
            kind: kind_name(self.kind),
            reason: self.reason.clone(),
            by: self.by.clone(),
            second: self.second.clone(),
            from: self.from,
            until: self.until,
            ended: self.ended,
            revision,
            stored,
        }
    }
}

/// Overrides of a datastream, the last stored first
#[utoipa::path(get, path = "/api/v1/datastreams/{id}/overrides", operation_id = "list_overrides",
    tag = "alerts",
    params(("id" = String, Path, description = "Datastream id, its `/` written `%2F`"), PageQuery),
    responses((status = 200, description = "Overrides, those that are over too",
        body = Page<OverrideView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, ApiError> {
    let record = observations::find(&state, &id)?;
    let bound = Query::new("list_overrides", &[("datastream", &id)]);
    let is_of_it = |found: &Override| found.datastream == record.id;
    resource::list(&state, &headers, &uri, &query, &bound, is_of_it).await
}

/// Override a datastream from now on
///
/// `fault` treats it as in maintenance, `release` ends a hold, `confirm` ends
/// 未证实. While the hazard level of the township is orange or red a second
/// person agrees.
#[utoipa::path(post, path = "/api/v1/datastreams/{id}/overrides",
    operation_id = "create_override", tag = "alerts",
    params(("id" = String, Path, description = "Datastream id, its `/` written `%2F`")),
    request_body = OverrideInput,
    responses((status = 201, description = "Stored", body = OverrideView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<OverrideInput>,
) -> Result<Response, ApiError> {
    let record = observations::find(&state, &id)?;
    let made = input.check(&state, &caller, record.id.clone()).await?;
    resource::create(&state, &caller, made).await
}

/// End an override now
#[utoipa::path(delete, path = "/api/v1/datastreams/{id}/overrides/{override}",
    operation_id = "end_override", tag = "alerts",
    params(("id" = String, Path, description = "Datastream id, its `/` written `%2F`"),
        ("override" = String, Path, description = "Id of the override")),
    responses((status = 204, description = "Ended; also when it was over already")))]
pub(crate) async fn end(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath((datastream, id)): ApiPath<(String, String)>,
    _: ApiQuery<NoQuery>,
) -> Result<StatusCode, ApiError> {
    let record = observations::find(&state, &datastream)?;
    let present: Version<Override> = resource::find(&state, &id).await?;
    if present.document.datastream != record.id {
        return Err(resource::missing(&id));
    }
    let now = state.clock.scene();
    if present.document.is_in_force(now) {
        let ended = Override { ended: Some(now), ..present.document };
        resource::put(&state, &caller, &ended, Expected::Revision(present.revision)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
