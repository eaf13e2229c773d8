//! `/situation`: the county and its townships in absolute numbers.

use std::sync::Arc;
use std::time::Duration;

use analytics::Picture;
use analytics::record::Feature;
use analytics::situation::{Change, Counts, People, Reports, Row, Shelters, Sites, Vessels};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::{LocalizedName, Time};
use serde::Serialize;
use utoipa::ToSchema;

use crate::etag;
use crate::extract::ApiQuery;
use crate::identity::Caller;
use crate::indices::AtQuery;
use crate::problem::{ApiError, Message};
use crate::state::AppState;
use crate::wire::{LocalizedText, level_name};

const HOUR: Duration = Duration::from_secs(3_600);

/// All that is open now. What nobody entered or told is `null`, not 0.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Situation {
    /// The whole minute that it is of.
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    #[schema(example = "real")]
    origin: &'static str,
    /// Sums of the townships'.
    county: SituationRow,
    /// By displayed level, then by attention.
    townships: Vec<SituationRow>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SituationRow {
    #[schema(example = "330225101")]
    code: String,
    name: LocalizedText,
    #[schema(example = "orange")]
    displayed_level: &'static str,
    /// The assessed level; `null` is grey.
    level: Option<&'static str>,
    /// 1 first; `null` of the county.
    attention_rank: Option<u32>,
    people: PeopleView,
    vessels: VesselsView,
    shelters: SheltersView,
    sites: SitesView,
    power: PowerView,
    reports: ReportsView,
    /// Ids of groups and items that are held or were never known; of the
    /// county also codes of townships left out.
    unknown: Vec<String>,
    change_1h: ChangeView,
}

/// Totals count the categories in demand at the present level.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SituationPeople)]
struct PeopleView {
    to_move: Option<f64>,
    /// Reported within the event.
    moved: Option<f64>,
    left: Option<f64>,
    share_left: Option<f64>,
    categories: Vec<PeopleCategory>,
    /// The oldest report of progress that counts.
    #[schema(value_type = Option<String>, format = DateTime)]
    reported: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PeopleCategory {
    /// Channel of `people_to_evacuate`.
    #[schema(example = "crew")]
    channel: &'static str,
    /// Are they to be moved at the present level?
    in_demand: bool,
    to_move: f64,
    moved: f64,
    left: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SituationVessels)]
struct VesselsView {
    total: Option<u32>,
    in_haven: Option<u32>,
    at_sea: Option<u32>,
    /// `null` too while no agency told the radii of an active storm.
    at_sea_force7: Option<u32>,
    /// At sea, or never seen, and silent for more than 2 h.
    silent: Option<u32>,
    /// Past the deadline of their latitude, silent ones left out.
    overdue: Option<u32>,
    /// Past their deadline and last seen in winds of force 7; at most 50.
    named_overdue: Vec<VesselName>,
}

#[derive(Debug, Serialize, ToSchema)]
struct VesselName {
    thing: String,
    name: LocalizedText,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SituationShelters)]
struct SheltersView {
    total: u32,
    usable: u32,
    /// Of the usable ones.
    places: f64,
    people: Option<f64>,
    share_used: Option<f64>,
    /// The oldest status that counts.
    #[schema(value_type = Option<String>, format = DateTime)]
    reported: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SituationSites)]
struct SitesView {
    total: Option<u32>,
    stopped: Option<u32>,
    not_stopped: Option<u32>,
    share_not_stopped: Option<f64>,
}

/// Shelters and township offices that have a sensor of power.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SituationPower)]
struct PowerView {
    things: u32,
    mains_lost: u32,
    /// Of those without mains.
    backup_under_2h: u32,
    silent: u32,
    /// Silent, or without mains and backup: what the index counts.
    dark: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SituationReports)]
struct ReportsView {
    #[schema(value_type = Option<String>, format = DateTime)]
    last: Option<Time>,
    /// Offices whose report is older than its period, or that never reported.
    late_offices: Vec<String>,
}

/// `null` where one hour ago is not known.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = SituationChange)]
struct ChangeView {
    people_left: Option<f64>,
    vessels_at_sea: Option<i64>,
    shelter_people: Option<f64>,
    sites_not_stopped: Option<i64>,
    mains_lost: Option<i64>,
}

/// The situation in numbers
///
/// The numbers are those that the items of exposure and of the capability gap
/// are computed from. Kept for the last hour: an earlier `at` is not found.
#[utoipa::path(get, path = "/api/v1/situation", operation_id = "get_situation", tag = "indices",
    params(AtQuery),
    responses((status = 200, description = "County and townships", body = Situation)))]
pub(crate) async fn read(
    State(state): State<AppState>,
    _: Caller,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<AtQuery>,
) -> Result<Response, ApiError> {
    let picture = match query.parse()? {
        Some(at) => state.runner.picture(Some(at)).ok_or_else(|| {
            ApiError::not_found(Message::SituationNotKept).with_code("situation_not_kept")
        })?,
        None => newest(&state)?,
    };
    let found = &picture.situation;
    let before = state.runner.picture_of(found.at - HOUR);
    let situation = Situation {
        time: found.at,
        origin: state.store.origin().as_str(),
        county: row(&state, &found.county, before.as_deref()),
        townships: found.townships.iter().map(|r| row(&state, r, before.as_deref())).collect(),
    };
    etag::respond(&headers, &situation, None)
}

/// The picture of the newest whole minute.
pub(crate) fn newest(state: &AppState) -> Result<Arc<Picture>, ApiError> {
    let picture = state.runner.picture(None);
    picture.ok_or_else(|| ApiError::unavailable(Message::ScoresPending).with_code("scores_pending"))
}

/// Code and name of a township or of the county.
pub(crate) fn named(state: &AppState, feature: Feature) -> (String, LocalizedText) {
    let text = |name: &LocalizedName| LocalizedText::from(name);
    match feature {
        Feature::County => (state.county.code.clone(), text(&state.county.name)),
        Feature::Township(code) => {
            let name = state.county.township(code).map(|township| text(&township.name));
            let unnamed = || LocalizedText { zh: code.to_string(), en: code.to_string() };
            (code.to_string(), name.unwrap_or_else(unnamed))
        }
    }
}

fn row(state: &AppState, row: &Row, before: Option<&Picture>) -> SituationRow {
    let (code, name) = named(state, row.feature);
    let Counts { people, vessels, shelters, sites, power, reports, unknown } = &row.counts;
    let then = before.and_then(|before| match row.feature {
        Feature::County => Some(&before.situation.county),
        feature => before.situation.townships.iter().find(|then| then.feature == feature),
    });
    SituationRow {
        code,
        name,
        displayed_level: level_name(row.displayed_level),
        level: row.level.map(level_name),
        attention_rank: row.attention,
        people: people.into(),
        vessels: vessels.into(),
        shelters: shelters.into(),
        sites: sites.into(),
        power: PowerView {
            things: power.things,
            mains_lost: power.mains_lost,
            backup_under_2h: power.backup_short,
            silent: power.silent,
            dark: power.dark,
        },
        reports: reports.into(),
        unknown: unknown.clone(),
        change_1h: then
            .map(|then| row.counts.change_since(&then.counts).into())
            .unwrap_or_default(),
    }
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

impl From<&People> for PeopleView {
    fn from(people: &People) -> PeopleView {
        let known = |number: f64| people.is_entered.then_some(number);
        let categories = people.categories.iter().map(|count| PeopleCategory {
            channel: count.category.as_str(),
            in_demand: count.is_in_demand,
            to_move: count.to_move,
            moved: count.moved,
            left: count.left,
        });
        PeopleView {
            to_move: known(people.to_move),
            moved: known(people.moved),
            left: known(people.left),
            share_left: known(people.to_move).and_then(|to_move| share(people.left, to_move)),
            categories: categories.collect(),
            reported: people.reported,
        }
    }
}

impl From<&Vessels> for VesselsView {
    fn from(vessels: &Vessels) -> VesselsView {
        let known = |number: u32| vessels.is_entered.then_some(number);
        let names = vessels.named_overdue.iter().map(|vessel| VesselName {
            thing: vessel.thing.to_string(),
            name: LocalizedText::from(&vessel.name),
        });
        VesselsView {
            total: known(vessels.total),
            in_haven: known(vessels.in_haven),
            at_sea: known(vessels.at_sea),
            at_sea_force7: vessels.at_sea_force7.and_then(known),
            silent: known(vessels.silent),
            overdue: known(vessels.overdue),
            named_overdue: names.collect(),
        }
    }
}

impl From<&Shelters> for SheltersView {
    fn from(shelters: &Shelters) -> SheltersView {
        SheltersView {
            total: shelters.total,
            usable: shelters.usable,
            places: shelters.places,
            people: shelters.people,
            share_used: shelters.people.and_then(|people| share(people, shelters.places)),
            reported: shelters.reported,
        }
    }
}

impl From<&Sites> for SitesView {
    fn from(sites: &Sites) -> SitesView {
        let known = |number: u32| sites.is_entered.then_some(number);
        SitesView {
            total: known(sites.total),
            stopped: known(sites.stopped),
            not_stopped: known(sites.not_stopped()),
            share_not_stopped: known(sites.total)
                .and_then(|total| share(f64::from(sites.not_stopped()), f64::from(total))),
        }
    }
}

impl From<&Reports> for ReportsView {
    fn from(reports: &Reports) -> ReportsView {
        let late = reports.late_offices.iter().map(ToString::to_string);
        ReportsView { last: reports.last, late_offices: late.collect() }
    }
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> ChangeView {
        ChangeView {
            people_left: change.people_left,
            vessels_at_sea: change.vessels_at_sea,
            shelter_people: change.shelter_people,
            sites_not_stopped: change.sites_not_stopped,
            mains_lost: change.mains_lost,
        }
    }
}
