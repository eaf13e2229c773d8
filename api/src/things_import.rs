//! `POST /things/import`: things from a CSV file, row by row.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use model::{Thing, thing_csv};
use serde::{Deserialize, Serialize};
use store::{Directory, Expected, PutOutcome, ThingRefusal};
use utoipa::{IntoParams, ToSchema};

use crate::audit::audit;
use crate::extract::{ApiBytes, ApiQuery, media_type};
use crate::identity::Caller;
use crate::problem::{ApiError, Kind, Message};
use crate::registration::Rules;
use crate::state::AppState;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Says what would happen and changes nothing.
    #[serde(default)]
    #[param(required = false)]
    dry_run: bool,
}

/// What became of an import, in the order of the file.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ImportReport {
    #[schema(example = 48)]
    created: usize,
    #[schema(example = 2)]
    updated: usize,
    unchanged: usize,
    #[schema(example = 1)]
    failed: usize,
    rows: Vec<ImportRow>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ImportRow {
    /// Line of the file, counted from 1.
    #[schema(example = 51)]
    row: usize,
    /// `null` when the row names no readable id.
    id: Option<String>,
    /// 201 created, 200 updated or unchanged, 422 and 409 refused.
    #[schema(example = 422)]
    status: u16,
    #[schema(example = "kind: unknown kind `shlter`")]
    detail: Option<String>,
}

/// Register things from a CSV file
///
/// Upserts by id. A bad row costs only itself; every row is in the answer.
/// Columns as `Accept: text/csv` on `/things` writes them.
#[utoipa::path(post, path = "/api/v1/things/import", operation_id = "import_things",
    tag = "things", params(ImportQuery),
    request_body(content = String, content_type = "text/csv",
        description = "At most 8 MiB and 10,000 rows"),
    responses((status = 200, description = "What became of each row", body = ImportReport)))]
pub(crate) async fn import(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<ImportQuery>,
    ApiBytes(bytes): ApiBytes,
) -> Result<Json<ImportReport>, ApiError> {
    if media_type(&headers).as_deref() != Some("text/csv") {
        let message = Message::ContentType { expected: "text/csv" };
        return Err(ApiError::new(Kind::UnsupportedMediaType, message));
    }
    let of_task = state.clone();
    // Thousands of rows take longer than a worker of the runtime may.
    let read = tokio::task::spawn_blocking(move || read(&of_task, &bytes)).await;
    let rows = read.map_err(|error| {
        tracing::error!(%error, "import ended early");
        ApiError::internal()
    })??;

    let mut report = ImportReport::default();
    let mut lines = Vec::new();
    let mut puts = Vec::new();
    for (row, result) in rows {
        match result {
            Ok(thing) => {
                lines.push((row, thing.id.to_string()));
                puts.push((thing, Expected::Any));
            }
            Err((id, reasons)) => report.refuse(row, id, 422, reasons),
        }
    }
    let outcomes = if query.dry_run {
        let directory = state.store.directory();
        puts.iter().map(|(thing, _)| foresee(&directory, thing)).collect()
    } else {
        state.store.put_things(puts).await?
    };
    for ((row, id), outcome) in lines.into_iter().zip(outcomes) {
        report.add(row, id, outcome);
    }
    report.rows.sort_by_key(|row| row.row);
    if !query.dry_run {
        let ImportReport { created, updated, unchanged, failed, .. } = &report;
        let detail =
            format!("{created} created, {updated} updated, {unchanged} unchanged, {failed} failed");
        audit(&state, &caller.identity, "import_things", "things", detail).await?;
    }
    Ok(Json(report))
}

type ReadRow = (usize, Result<Thing, (Option<String>, String)>);

/// Reads the file and checks each row against catalogue and county.
fn read(state: &AppState, bytes: &[u8]) -> Result<Vec<ReadRow>, ApiError> {
    let rules = Rules { catalogue: &state.catalogue, county: &state.county };
    let rows = thing_csv::read(bytes, &state.catalogue, thing_csv::ROWS_MAX).map_err(|error| {
        ApiError::new(Kind::Validation, Message::Body(error.to_string())).with_code("file_invalid")
    })?;
    let checked = rows.into_iter().map(|(row, result)| {
        let checked = match result {
            Ok(thing) => match rules.check(&thing) {
                refusals if refusals.is_empty() => Ok(thing),
                refusals => {
                    let reasons: Vec<String> = refusals
                        .iter()
                        .map(|refusal| {
                            let place = refusal.pointer.trim_start_matches("#/");
                            format!("{place}: {}", refusal.reason)
                        })
                        .collect();
                    Err((Some(thing.id.to_string()), reasons.join("; ")))
                }
            },
            Err(errors) => {
                let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
                Err((None, reasons.join("; ")))
            }
        };
        (row, checked)
    });
    Ok(checked.collect())
}

/// What a put would do, without doing it.
fn foresee(directory: &Directory, thing: &Thing) -> PutOutcome {
    match directory.things.get(&thing.id) {
        None => PutOutcome::Created { revision: 1 },
        Some(record) if record.thing == *thing => {
            PutOutcome::Unchanged { revision: record.revision }
        }
        Some(record) if record.thing.kind != thing.kind => {
            PutOutcome::Refused(ThingRefusal::KindFixed {
                thing: thing.id.clone(),
                found: record.thing.kind.to_string(),
                wanted: thing.kind.to_string(),
            })
        }
        Some(record) => PutOutcome::Updated { revision: record.revision + 1 },
    }
}

impl ImportReport {
    fn add(&mut self, row: usize, id: String, outcome: PutOutcome) {
        let status = match outcome {
            PutOutcome::Created { .. } => {
                self.created += 1;
                201
            }
            PutOutcome::Updated { .. } => {
                self.updated += 1;
                200
            }
            PutOutcome::Unchanged { .. } => {
                self.unchanged += 1;
                200
            }
            PutOutcome::Refused(refusal) => {
                let status = match refusal {
                    ThingRefusal::KindFixed { .. } => 409,
                    _ => 422,
                };
                return self.refuse(row, Some(id), status, refusal.to_string());
            }
        };
        self.rows.push(ImportRow { row, id: Some(id), status, detail: None });
    }

    fn refuse(&mut self, row: usize, id: Option<String>, status: u16, detail: String) {
        self.failed += 1;
        self.rows.push(ImportRow { row, id, status, detail: Some(detail) });
    }
}
