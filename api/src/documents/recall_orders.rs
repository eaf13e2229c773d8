//! `/recall-orders`: orders that call fishing vessels back to port, by bands
//! of latitude.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::{Document, DocumentId, DocumentKind, LatitudeBand, RecallOrder, Time};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checks::Checks;
use super::resource::{self, PageQuery, Resource, Stored, Version};
use crate::cursor::Query;
use crate::extract::{ApiJson, ApiPath, ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::problem::{ApiError, Check};
use crate::state::AppState;

const BANDS_MAX: usize = 20;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecallOrder)]
pub(crate) struct RecallOrderView {
    #[schema(example = "ro-2012-0806-1")]
    id: String,
    #[schema(example = "象山县农业农村局")]
    issuer: String,
    #[schema(value_type = String, format = DateTime)]
    issued: Time,
    #[schema(value_type = String, format = DateTime)]
    valid_from: Time,
    /// Open until it is cancelled when `null`.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled: Option<Time>,
    /// From south to north, without gaps.
    bands: Vec<Band>,
    note: Option<String>,
    /// Grows by one with every version; the ETag is `"r{revision}"`.
    revision: u64,
    stored: Stored,
}

/// Vessels in the band are in port by the deadline.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = LatitudeBandInput)]
#[serde(deny_unknown_fields)]
pub(crate) struct Band {
    /// Degrees north; belongs to the band.
    #[schema(example = 27.0)]
    lat_min: f64,
    /// Degrees north; belongs to the next band.
    #[schema(example = 29.0)]
    lat_max: f64,
    #[schema(value_type = String, format = DateTime)]
    deadline: Time,
}

/// An order as it is given. What `GET` gives can be sent back: `revision` and
/// `stored` are accepted and not looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecallOrderInput {
    /// Made here when it is left out.
    #[serde(default)]
    #[schema(example = "ro-2012-0806-1", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    id: Option<String>,
    #[serde(default)]
    #[schema(required = true, max_length = 200)]
    issuer: Option<String>,
    #[serde(default)]
    #[schema(required = true, value_type = String, format = DateTime)]
    issued: Option<Time>,
    /// Default: `issued`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_from: Option<Time>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Time>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled: Option<Time>,
    #[serde(default)]
    #[schema(required = true, min_items = 1, max_items = 20)]
    bands: Vec<Band>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: Option<String>,
    #[serde(default, rename = "revision")]
    #[schema(value_type = Option<u64>)]
    _revision: Option<IgnoredAny>,
    #[serde(default, rename = "stored")]
    #[schema(value_type = Option<Stored>)]
    _stored: Option<IgnoredAny>,
}

impl RecallOrderInput {
    fn check(self, state: &AppState) -> Result<RecallOrder, ApiError> {
        let mut checks = Checks::default();
        let id = checks.id(self.id.as_deref(), RecallOrder::PREFIX);
        let issuer = checks.name("#/issuer", self.issuer);
        let issued = checks.issued(self.issued, state.clock.scene());
        let valid_from = self.valid_from.or(issued);
        checks.ends_after("#/valid_until", valid_from, self.valid_until);
        checks.cancelled(issued, self.cancelled);
        check_bands(&mut checks, &self.bands);
        let note = checks.note(self.note);
        let made = || {
            Some(RecallOrder {
                id: id?,
                issuer: issuer?,
                issued: issued?,
                valid_from: valid_from?,
                valid_until: self.valid_until,
                cancelled: self.cancelled,
                bands: self.bands.iter().map(|band| band.to_model()).collect(),
                note,
            })
        };
        let made = made();
        checks.finish(made)
    }
}

/// Bands go up and leave neither a gap nor an overlap.
fn check_bands(checks: &mut Checks, bands: &[Band]) {
    if bands.is_empty() {
        checks.refuse("#/bands", Check::Missing);
    }
    if bands.len() > BANDS_MAX {
        checks.refuse("#/bands", Check::TooMany { found: bands.len(), max: BANDS_MAX });
        return;
    }
    for (index, band) in bands.iter().enumerate() {
        checks.within(format!("#/bands/{index}/lat_min"), band.lat_min, -90.0, 90.0);
        checks.within(format!("#/bands/{index}/lat_max"), band.lat_max, -90.0, 90.0);
        if band.lat_max <= band.lat_min {
            checks.refuse(format!("#/bands/{index}/lat_max"), Check::BandNotUpwards);
        }
    }
    for (index, pair) in bands.windows(2).enumerate() {
        let (below, above) = (pair[0].lat_max, pair[1].lat_min);
        let (from, to) = (below.min(above).to_string(), below.max(above).to_string());
        let pointer = format!("#/bands/{}/lat_min", index + 1);
        if above > below {
            checks.refuse(pointer, Check::BandGap { from, to });
        } else if above < below {
            checks.refuse(pointer, Check::BandOverlap { from, to });
        }
    }
}

impl Band {
    fn to_model(self) -> LatitudeBand {
        LatitudeBand { lat_min: self.lat_min, lat_max: self.lat_max, deadline: self.deadline }
    }
}

impl From<&LatitudeBand> for Band {
    fn from(band: &LatitudeBand) -> Band {
        Band { lat_min: band.lat_min, lat_max: band.lat_max, deadline: band.deadline }
    }
}

impl Resource for RecallOrder {
    type View = RecallOrderView;

    const KIND: DocumentKind = DocumentKind::RecallOrder;
    const PREFIX: &'static str = "ro";

    fn from_document(document: Document) -> Option<RecallOrder> {
        match document {
            Document::RecallOrder(order) => Some(order),
            _ => None,
        }
    }

    fn into_document(self) -> Document {
        Document::RecallOrder(self)
    }

    fn id(&self) -> &DocumentId {
        &self.id
    }

    fn location(&self) -> String {
        format!("/api/v1/recall-orders/{}", self.id)
    }

    fn view(&self, revision: u64, stored: Stored) -> RecallOrderView {
        RecallOrderView {
            id: self.id.to_string(),
            issuer: self.issuer.clone(),
            issued: self.issued,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            cancelled: self.cancelled,
            bands: self.bands.iter().map(Band::from).collect(),
            note: self.note.clone(),
            revision,
            stored,
        }
    }
}

/// Recall orders, the last stored first
#[utoipa::path(get, path = "/api/v1/recall-orders", operation_id = "list_recall_orders",
    tag = "documents", params(PageQuery),
    responses((status = 200, description = "Orders",
        body = crate::wire::Page<RecallOrderView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    uri: Uri,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, ApiError> {
    let bound = Query::new("list_recall_orders", &[]);
    resource::list::<RecallOrder>(&state, &headers, &uri, &query, &bound, |_| true).await
}

/// A recall order
#[utoipa::path(get, path = "/api/v1/recall-orders/{id}", operation_id = "get_recall_order",
    tag = "documents", params(("id" = String, Path, description = "Id of the order")),
    responses((status = 200, description = "Its newest version; the ETag is its revision",
        body = RecallOrderView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
) -> Result<Response, ApiError> {
    resource::read::<RecallOrder>(&headers, &resource::find(&state, &id).await?).await
}

/// Record a recall order
///
/// Its bands go from south to north; each begins where the one before ends.
#[utoipa::path(post, path = "/api/v1/recall-orders", operation_id = "create_recall_order",
    tag = "documents", request_body = RecallOrderInput,
    responses((status = 201, description = "Stored", body = RecallOrderView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    _: ApiQuery<NoQuery>,
    ApiJson(input): ApiJson<RecallOrderInput>,
) -> Result<Response, ApiError> {
    let order = input.check(&state)?;
    resource::create(&state, &caller, order).await
}

/// End, cancel or correct a recall order
///
/// Stores a new version; the older ones stay.
#[utoipa::path(put, path = "/api/v1/recall-orders/{id}", operation_id = "put_recall_order",
    tag = "documents", params(("id" = String, Path, description = "Id of the order"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that is replaced")),
    request_body = RecallOrderInput,
    responses((status = 200, description = "Stored", body = RecallOrderView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiPath(id): ApiPath<String>,
    _: ApiQuery<NoQuery>,
    ApiJson(mut input): ApiJson<RecallOrderInput>,
) -> Result<Response, ApiError> {
    let present: Version<RecallOrder> = resource::find(&state, &id).await?;
    resource::same_id(input.id.as_deref(), &id)?;
    input.id = Some(id);
    let order = input.check(&state)?;
    resource::replace(&state, &caller, &headers, &present, order).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bands: &[(f64, f64)], expected: &[&str]) {
        let bands: Vec<Band> = bands
            .iter()
            .map(|&(lat_min, lat_max)| Band { lat_min, lat_max, deadline: Time::EPOCH })
            .collect();
        let mut checks = Checks::default();
        check_bands(&mut checks, &bands);
        let found: Vec<String> =
            checks.into_errors().iter().map(|error| format!("{:?}", error.place)).collect();
        let expected: Vec<String> =
            expected.iter().map(|pointer| format!("Pointer({pointer:?})")).collect();
        assert_eq!(found, expected, "{bands:?}");
    }

    #[test]
    fn bands_go_up_without_gap_or_overlap() {
        check(&[(0.0, 27.0), (27.0, 29.0), (29.0, 90.0)], &[]);
        check(&[], &["#/bands"]);
        check(&[(0.0, 27.0), (28.0, 90.0)], &["#/bands/1/lat_min"]);
        check(&[(0.0, 27.0), (26.0, 90.0)], &["#/bands/1/lat_min"]);
        check(&[(27.0, 27.0)], &["#/bands/0/lat_max"]);
        check(&[(29.0, 90.0), (0.0, 29.0)], &["#/bands/1/lat_min"]);
        check(&[(-91.0, 90.5)], &["#/bands/0/lat_min", "#/bands/0/lat_max"]);
    }
}
