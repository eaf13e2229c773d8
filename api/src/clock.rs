//! `/clock`: the two clocks, for devices that live in scene time.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use model::{Clock, Time};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{ApiQuery, NoQuery};
use crate::identity::Caller;
use crate::state::AppState;

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Clock)]
pub(crate) struct ClockView {
    /// Event time, ticks, windows.
    #[schema(value_type = String, format = DateTime)]
    scene: Time,
    /// The machine's.
    #[schema(value_type = String, format = DateTime)]
    real: Time,
    /// How fast the scene runs against real time.
    #[schema(example = 1.0)]
    speed: f64,
}

impl ClockView {
    pub(crate) fn of(clock: &Clock) -> ClockView {
        ClockView { scene: clock.scene(), real: clock.real(), speed: clock.speed() }
    }
}

/// The two clocks
///
/// Always readable.
#[utoipa::path(get, path = "/api/v1/clock", operation_id = "get_clock", tag = "session",
    responses((status = 200, description = "Both clocks", body = ClockView)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    _: ApiQuery<NoQuery>,
) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(ClockView::of(&state.clock))).into_response()
}
