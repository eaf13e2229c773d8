//! `POST /storms/import`: several storms with their tracks from one file.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use model::{Bulletin, DocumentId, LocalizedName, Storm, Time};
use serde::{Deserialize, Serialize};
use store::Expected;
use utoipa::{IntoParams, ToSchema};

use super::checks::Checks;
use super::fixes;
use super::resource::{self, Resource};
use super::track_file::{self, Track};
use crate::extract::{ApiBytes, ApiQuery, media_type};
use crate::identity::Caller;
use crate::paging;
use crate::problem::{ApiError, Check, FieldError, Kind, Language, Message, Place, RequestContext};
use crate::state::AppState;

/// Japan's tracks average over ten minutes; the file's winds are not read.
const AVERAGING_MIN: u16 = 10;

const AGENCY_MAX: usize = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Whose tracks they are.
    #[param(max_length = 200)]
    agency: Option<String>,
    /// When they were issued; rows after it are forecast (default: the scene's
    /// present).
    #[param(format = DateTime)]
    issued: Option<String>,
    /// The storms are over.
    #[serde(default)]
    #[param(required = false)]
    is_final: bool,
    /// Says what would happen and changes nothing.
    #[serde(default)]
    #[param(required = false)]
    dry_run: bool,
}

/// What became of an import: storms counted, rows in the order of the file.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct StormImportReport {
    #[schema(example = 2)]
    created: usize,
    /// Storms of which something changed.
    updated: usize,
    unchanged: usize,
    #[schema(example = 1)]
    failed: usize,
    rows: Vec<StormImportRow>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StormImportRow {
    /// Line of the file, counted from 1.
    #[schema(example = 17)]
    row: usize,
    /// The storm's id; `null` when it cannot have one.
    #[schema(example = "haikui-2012")]
    id: Option<String>,
    /// 201 created, 200 updated or unchanged, 422 refused.
    #[schema(example = 422)]
    status: u16,
    #[schema(example = "pres_hpa: 0 is not within 850 and 1050")]
    detail: Option<String>,
}

/// A storm that can be stored, with its one bulletin.
struct Sound {
    storm: Storm,
    bulletin: Bulletin,
}

/// Import storms with their tracks
///
/// A track file with the columns `storm`, `utc`, `lat`, `lon`, `pres_hpa` and
/// optionally `intensity_factor`. Each storm gets the id `{name}-{year}` and
/// one bulletin with all its positions. A bad row refuses its storm, the
/// others are imported; every row is in the answer. The same file again
/// changes nothing.
#[utoipa::path(post, path = "/api/v1/storms/import", operation_id = "import_storms",
    tag = "documents", params(ImportQuery),
    request_body(content = String, content_type = "text/csv",
        description = "At most 8 MiB and 10,000 rows"),
    responses((status = 200, description = "What became of each row",
        body = StormImportReport)))]
pub(crate) async fn import(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    caller: Caller,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<ImportQuery>,
    ApiBytes(bytes): ApiBytes,
) -> Result<Json<StormImportReport>, ApiError> {
    if media_type(&headers).as_deref() != Some("text/csv") {
        let message = Message::ContentType { expected: "text/csv" };
        return Err(ApiError::new(Kind::UnsupportedMediaType, message));
    }
    let now = state.clock.scene();
    let given = paging::filter("issued", query.issued.as_deref(), Time::parse)?;
    let head = Head { agency: agency(&query)?, issued: given, is_final: query.is_final, now };
    let mut report = StormImportReport::default();
    for mut track in track_file::read(&bytes)? {
        let id = track.id();
        let outcome = match head.storm(&mut track, id.as_ref()) {
            Some(sound) => store(&state, &caller, sound, query.dry_run).await?,
            None => Outcome::Refused,
        };
        report.add(&track, id.as_ref(), outcome, context.language);
    }
    report.rows.sort_by_key(|row| row.row);
    Ok(Json(report))
}

fn agency(query: &ImportQuery) -> Result<String, ApiError> {
    let agency = query.agency.as_deref().map(str::trim).filter(|text| !text.is_empty());
    match agency {
        None => Err(ApiError::parameter("agency", "is missing")),
        Some(text) if text.chars().count() > AGENCY_MAX => {
            Err(ApiError::parameter("agency", format!("has more than {AGENCY_MAX} characters")))
        }
        Some(text) => Ok(text.to_owned()),
    }
}

/// What the query says of all storms of the file.
struct Head {
    agency: String,
    issued: Option<Time>,
    is_final: bool,
    now: Time,
}

impl Head {
    /// The storm when all its rows are sound; else they are told what is wrong.
    fn storm(&self, track: &mut Track, id: Option<&DocumentId>) -> Option<Sound> {
        let mut checks = Checks::default();
        let issued = checks.issued(self.issued.or(Some(self.now)), self.now)?;
        let rows = std::mem::take(&mut track.rows);
        let n_observed = rows.partition_point(|row| row.fix.time <= issued);
        let (observed, forecast) = rows.split_at(n_observed);
        let (observed, forecast) = fixes::check(&mut checks, Some(issued), observed, forecast);
        if id.is_none() {
            checks.refuse("#/storm", Check::Form("gives no id of a storm".to_owned()));
        }
        track.blame(checks.into_errors());
        let (true, Some(id)) = (track.is_sound(), id) else { return None };
        let name = LocalizedName { zh: track.name.clone(), en: track.name.clone() };
        let storm = Storm {
            id: id.clone(),
            name,
            number: None,
            intensity_factor: track.factor.unwrap_or(1.0),
            ended: None,
        };
        let bulletin = Bulletin {
            id: DocumentId::parse(&format!("bu-{id}-import")).ok()?,
            storm: id.clone(),
            agency: self.agency.clone(),
            issued: self.issued.or_else(|| observed.last().map(|fix| fix.time)).unwrap_or(issued),
            averaging_min: AVERAGING_MIN,
            is_final: self.is_final,
            observed,
            forecast,
        };
        Some(Sound { storm, bulletin })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Created,
    Updated,
    Unchanged,
    Refused,
}

/// What an operator has recorded of a storm that is there, stays.
async fn store(
    state: &AppState,
    caller: &Caller,
    sound: Sound,
    is_dry_run: bool,
) -> Result<Outcome, ApiError> {
    let Sound { mut storm, bulletin } = sound;
    let present = found::<Storm>(state, &storm.id).await?;
    if let Some(present) = &present {
        storm = Storm { intensity_factor: storm.intensity_factor, ..present.clone() };
    }
    let held = found::<Bulletin>(state, &bulletin.id).await?;
    if present.as_ref() == Some(&storm) && held.as_ref() == Some(&bulletin) {
        return Ok(Outcome::Unchanged);
    }
    if !is_dry_run {
        resource::put(state, caller, &storm, Expected::Any).await?;
        resource::put(state, caller, &bulletin, Expected::Any).await?;
    }
    Ok(if present.is_some() { Outcome::Updated } else { Outcome::Created })
}

async fn found<R: Resource>(state: &AppState, id: &DocumentId) -> Result<Option<R>, ApiError> {
    let row = state.store.document(R::KIND, id).await?;
    Ok(row.and_then(|row| R::from_document(row.document)))
}

impl StormImportReport {
    fn add(&mut self, track: &Track, id: Option<&DocumentId>, outcome: Outcome, of: Language) {
        let (count, status) = match outcome {
            Outcome::Created => (&mut self.created, 201),
            Outcome::Updated => (&mut self.updated, 200),
            Outcome::Unchanged => (&mut self.unchanged, 200),
            Outcome::Refused => (&mut self.failed, 422),
        };
        *count += 1;
        for line in &track.lines {
            let reasons: Vec<String> = line.errors.iter().map(|error| reason(error, of)).collect();
            let detail = match (outcome, reasons.is_empty()) {
                (Outcome::Refused, true) => Some(Check::StormRefused.text(of)),
                (Outcome::Refused, false) => Some(reasons.join("; ")),
                _ => None,
            };
            let id = id.map(ToString::to_string);
            self.rows.push(StormImportRow { row: line.line, id, status, detail });
        }
    }
}

/// The row says which line; the column remains.
fn reason(error: &FieldError, language: Language) -> String {
    let text = error.message.text(language);
    match &error.place {
        Place::Pointer(pointer) => {
            format!("{}: {text}", pointer.rsplit('/').next().unwrap_or_default())
        }
        Place::Parameter(name) => format!("{name}: {text}"),
    }
}
