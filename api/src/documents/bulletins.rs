//! `/storms/{id}/bulletins`: what an agency says of a storm at one time.

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::{Bulletin, Document, DocumentId, DocumentKind, Storm, Time};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::checks::Checks;
use super::fixes::{self, FixInput, FixView, Row};
use super::resource::{self, PageQuery, Resource, Stored, Version};
use super::table::{Table, pointer};
use crate::cursor::Query;
use crate::extract::{ApiBytes, ApiJson, ApiPath, ApiQuery, NoQuery, media_type};
use crate::identity::Caller;
use crate::paging;
use crate::problem::{ApiError, Check, Place};
use crate::state::AppState;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bulletin)]
pub(crate) struct BulletinView {
    #[schema(example = "bu-jma-2012-0806-06")]
    id: String,
    #[schema(example = "haikui-2012")]
    storm: String,
    #[schema(example = "JMA")]
    agency: String,
    #[schema(value_type = String, format = DateTime)]
    issued: Time,
    /// Over how many minutes the agency averages wind: CMA 2, JMA 10, JTWC 1.
    #[schema(example = 10)]
    averaging_min: u16,
    /// The agency's last one.
    is_final: bool,
    /// In order of time, not after `issued`.
    observed: Vec<FixView>,
    /// In order of time, after the last observed one.
    forecast: Vec<FixView>,
    /// Grows by one with every version; the ETag is `"r{revision}"`.
    revision: u64,
    stored: Stored,
}

/// A bulletin as it was issued, at most 400 positions. What `GET` gives can be
/// sent back: `revision` and `stored` are accepted and not looked at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulletinInput {
    /// Made here when it is left out.
    #[serde(default)]
    #[schema(example = "bu-jma-2012-0806-06", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    id: Option<String>,
    /// That of the path.
    #[serde(default)]
    storm: Option<String>,
    #[serde(default)]
    #[schema(required = true, max_length = 200)]
    agency: Option<String>,
    #[serde(default)]
    #[schema(required = true, value_type = String, format = DateTime)]
    issued: Option<Time>,
    #[serde(default)]
    #[schema(required = true, minimum = 1, maximum = 10)]
    averaging_min: Option<i64>,
    #[serde(default)]
    is_final: bool,
    #[serde(default)]
    #[schema(max_items = 400)]
    observed: Vec<FixInput>,
    #[serde(default)]
    #[schema(max_items = 400)]
    forecast: Vec<FixInput>,
    #[serde(default, rename = "revision")]
    #[schema(value_type = Option<u64>)]
    _revision: Option<IgnoredAny>,
    #[serde(default, rename = "stored")]
    #[schema(value_type = Option<Stored>)]
    _stored: Option<IgnoredAny>,
}

/// What a file of positions does not say itself.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BulletinQuery {
    /// With `text/csv`: the agency.
    agency: Option<String>,
    /// With `text/csv`: when it was issued, RFC 3339 with offset.
    #[param(format = DateTime)]
    issued: Option<String>,
    /// With `text/csv`: over how many minutes wind is averaged, 1 to 10.
    averaging_min: Option<i64>,
    /// With `text/csv`: the bulletin's id; made here when it is left out.
    id: Option<String>,
    /// With `text/csv`: the agency's last bulletin of the storm.
    #[param(required = false)]
    is_final: Option<bool>,
}

impl BulletinInput {
    fn check(mut self, storm: &DocumentId, now: Time) -> Result<Bulletin, ApiError> {
        let observed = fixes::rows("observed", std::mem::take(&mut self.observed));
        let forecast = fixes::rows("forecast", std::mem::take(&mut self.forecast));
        self.check_rows(Checks::default(), storm, now, &observed, &forecast)
    }

    fn check_rows(
        self,
        mut checks: Checks,
        storm: &DocumentId,
        now: Time,
        observed: &[Row],
        forecast: &[Row],
    ) -> Result<Bulletin, ApiError> {
        let id = checks.id(self.id.as_deref(), Bulletin::PREFIX);
        if self.storm.as_deref().is_some_and(|given| given != storm.as_str()) {
            let known = "the storm of the path";
            let found = self.storm.unwrap_or_default().escape_debug().take(80).collect();
            checks.refuse("#/storm", Check::UnknownWord { found, known });
        }
        let agency = checks.name("#/agency", self.agency);
        let issued = checks.issued(self.issued, now);
        let averaging = checks.required("#/averaging_min", self.averaging_min);
        if let Some(minutes) = averaging {
            checks.within("#/averaging_min".to_owned(), minutes as f64, 1.0, 10.0);
        }
        if observed.is_empty() && forecast.is_empty() && !self.is_final {
            checks.refuse("#/observed", Check::Missing);
        }
        let (observed, forecast) = fixes::check(&mut checks, issued, observed, forecast);
        let made = || {
            Some(Bulletin {
                id: id?,
                storm: storm.clone(),
                agency: agency?,
                issued: issued?,
                averaging_min: u16::try_from(averaging?).ok()?,
                is_final: self.is_final,
                observed,
                forecast,
            })
        };
        let made = made();
        checks.finish(made)
    }
}

const REQUIRED: [&str; 4] = ["time", "latitude", "longitude", "pressure_hpa"];
const OPTIONAL: [&str; 5] = ["wind_mps", "force7_km", "force10_km", "force12_km", "kind"];

impl BulletinQuery {
    fn is_empty(&self) -> bool {
        let BulletinQuery { agency, issued, averaging_min, id, is_final } = self;
        agency.is_none()
            && issued.is_none()
            && averaging_min.is_none()
            && id.is_none()
            && is_final.is_none()
    }

    /// The bulletin of a file: `kind` says whether a row is `observed` or
    /// `forecast`; where it does not, the time of issue does.
    fn bulletin(self, bytes: &[u8], storm: &DocumentId, now: Time) -> Result<Bulletin, ApiError> {
        let issued = paging::filter("issued", self.issued.as_deref(), Time::parse)?;
        let table = Table::read(bytes, &REQUIRED, &OPTIONAL, false)?;
        let mut checks = Checks::default();
        let (mut observed, mut forecast) = (Vec::new(), Vec::new());
        for (line, record) in &table.records {
            let Some(row) = table.fix(&mut checks, (*line, record), REQUIRED) else { continue };
            let is_observed = match table.cell(record, "kind") {
                "observed" => true,
                "forecast" => false,
                "" => issued.is_none_or(|issued| row.fix.time <= issued),
                other => {
                    let found = other.escape_debug().take(40).collect();
                    let known = "observed, forecast";
                    checks.refuse(pointer(*line, "kind"), Check::UnknownWord { found, known });
                    continue;
                }
            };
            if is_observed { observed.push(row) } else { forecast.push(row) }
        }
        let input = BulletinInput {
            id: self.id,
            agency: self.agency,
            issued,
            averaging_min: self.averaging_min,
            is_final: self.is_final.unwrap_or(false),
            ..BulletinInput::default()
        };
        let checked = input.check_rows(checks, storm, now, &observed, &forecast);
        checked.map_err(in_query)
    }
}

/// With a file the head of the bulletin stands in the query.
fn in_query(mut error: ApiError) -> ApiError {
    for field in &mut error.errors {
        let Place::Pointer(pointer) = &field.place else { continue };
        let name = pointer.trim_start_matches("#/");
        let parameters = ["id", "agency", "issued", "averaging_min"];
        if let Some(parameter) = parameters.into_iter().find(|parameter| *parameter == name) {
            field.place = Place::Parameter(parameter);
        }
    }
    error
}

/// A bulletin in JSON, or a file of positions.
pub(crate) enum BulletinBody {
    Json(BulletinInput),
    Csv(ApiBytes),
}

impl<S: Send + Sync> FromRequest<S> for BulletinBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<BulletinBody, ApiError> {
        if media_type(request.headers()).as_deref() == Some("text/csv") {
            return Ok(BulletinBody::Csv(ApiBytes::from_request(request, state).await?));
        }
        let ApiJson(input) = ApiJson::from_request(request, state).await?;
        Ok(BulletinBody::Json(input))
    }
}

impl Resource for Bulletin {
    type View = BulletinView;

    const KIND: DocumentKind = DocumentKind::Bulletin;
    const PREFIX: &'static str = "bu";

    fn from_document(document: Document) -> Option<Bulletin> {
        match document {
            Document::Bulletin(bulletin) => Some(bulletin),
            _ => None,
        }
    }

    fn into_document(self) -> Document {
        Document::Bulletin(self)
    }

    fn id(&self) -> &DocumentId {
        &self.id
    }

    fn location(&self) -> String {
        format!("/api/v1/storms/{}/bulletins/{}", self.storm, self.id)
    }

    fn view(&self, revision: u64, stored: Stored) -> BulletinView {
        BulletinView {
            id: self.id.to_string(),
            storm: self.storm.to_string(),
            agency: self.agency.clone(),
            issued: self.issued,
            averaging_min: self.averaging_min,
            is_final: self.is_final,
            observed: self.observed.iter().map(FixView::from).collect(),
            forecast: self.forecast.iter().map(FixView::from).collect(),
            revision,
            stored,
        }
    }
}

/// Bulletins of a storm, the last stored first
#[utoipa::path(get, path = "/api/v1/storms/{id}/bulletins", operation_id = "list_bulletins",
    tag = "documents", params(("id" = String, Path, description = "Id of the storm"), PageQuery),
    responses((status = 200, description = "Bulletins",
        body = crate::wire::Page<BulletinView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, ApiError> {
    let storm: Version<Storm> = resource::find(&state, &id).await?;
    let bound = Query::new("list_bulletins", &[("storm", &id)]);
    let is_of_storm = |bulletin: &Bulletin| bulletin.storm == storm.document.id;
    resource::list(&state, &headers, &uri, &query, &bound, is_of_storm).await
}

/// Bulletins are read below their storm only.
async fn find(state: &AppState, storm: &str, id: &str) -> Result<Version<Bulletin>, ApiError> {
    let found: Version<Bulletin> = resource::find(state, id).await?;
    if found.document.storm.as_str() == storm { Ok(found) } else { Err(resource::missing(id)) }
}

/// A bulletin
#[utoipa::path(get, path = "/api/v1/storms/{id}/bulletins/{bulletin}",
    operation_id = "get_bulletin", tag = "documents",
    params(("id" = String, Path, description = "Id of the storm"),
        ("bulletin" = String, Path, description = "Id of the bulletin")),
    responses((status = 200, description = "Its newest version; the ETag is its revision",
        body = BulletinView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath((storm, id)): ApiPath<(String, String)>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    resource::read(&headers, &find(&state, &storm, &id).await?).await
}

/// Record a bulletin
///
/// As JSON, or as `text/csv` with the columns `time`, `latitude`,
/// `longitude`, `pressure_hpa` and, where known, `wind_mps`, `force7_km`,
/// `force10_km`, `force12_km`, `kind` (`observed` or `forecast`; without it
/// what is after the issue is forecast). A bad row refuses the bulletin.
#[utoipa::path(post, path = "/api/v1/storms/{id}/bulletins", operation_id = "create_bulletin",
    tag = "documents",
    params(("id" = String, Path, description = "Id of the storm"), BulletinQuery),
    request_body(description = "At most 400 positions",
        content((BulletinInput = "application/json"), (String = "text/csv"))),
    responses((status = 201, description = "Stored", body = BulletinView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<BulletinQuery>,
    body: BulletinBody,
) -> Result<Response, ApiError> {
    let storm: Version<Storm> = resource::find(&state, &id).await?;
    let (storm, now) = (storm.document.id, state.clock.scene());
    let bulletin = match body {
        BulletinBody::Csv(ApiBytes(bytes)) => query.bulletin(&bytes, &storm, now)?,
        BulletinBody::Json(input) if query.is_empty() => input.check(&storm, now)?,
        BulletinBody::Json(_) => {
            let reason = "and the others belong to text/csv; JSON says it itself";
            return Err(ApiError::parameter("agency", reason));
        }
    };
    resource::create(&state, &caller, bulletin).await
}

/// Correct a bulletin
///
/// Stores a new version; the older ones stay.
#[utoipa::path(put, path = "/api/v1/storms/{id}/bulletins/{bulletin}",
    operation_id = "put_bulletin", tag = "documents",
    params(("id" = String, Path, description = "Id of the storm"),
        ("bulletin" = String, Path, description = "Id of the bulletin"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that is replaced")),
    request_body = BulletinInput,
    responses((status = 200, description = "Stored", body = BulletinView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiPath((storm, id)): ApiPath<(String, String)>,
    _: ApiQuery<NoQuery>,
    ApiJson(mut input): ApiJson<BulletinInput>,
) -> Result<Response, ApiError> {
    let present = find(&state, &storm, &id).await?;
    resource::same_id(input.id.as_deref(), &id)?;
    input.id = Some(id);
    let bulletin = input.check(&present.document.storm, state.clock.scene())?;
    resource::replace(&state, &caller, &headers, &present, bulletin).await
}
