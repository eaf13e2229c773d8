//! Township offices: counts that people report.

use super::Moment;
use crate::noise::Noise;

pub(super) fn value(moment: &Moment<'_>) -> Option<f64> {
    let Moment { own, weather, .. } = moment;
    // What is required and what is there belong together: both draw on the
    // noise of their pair.
    let required = |pair: &str, low: f64, high: f64| {
        libm::floor(own.named(pair).named(moment.channel()).between(0, low, high))
    };
    let reached = |pair: &str, low: f64, high: f64, share: f64| {
        let noise: Noise = own.named(pair).named(moment.channel());
        libm::floor(libm::floor(noise.between(0, low, high)) * noise.between(1, share, 1.01))
    };
    if let Some(people) = scripted_people(moment) {
        return Some(f64::from(people));
    }
    let population = libm::floor(own.between(40, 9_000.0, 60_000.0));
    Some(match moment.property() {
        "certificates_required" => required("certificates", 20.0, 200.0),
        "certificates_valid" => reached("certificates", 20.0, 200.0, 0.88),
        "enterprises_total" => required("enterprises", 30.0, 300.0),
        "enterprises_standardised" => reached("enterprises", 30.0, 300.0, 0.75),
        "inspections_planned" => required("inspections", 20.0, 120.0),
        "inspections_done" => reached("inspections", 20.0, 120.0, 0.85),
        "hazards_found" => required("hazards", 30.0, 200.0),
        "hazards_due" => reached("hazards", 30.0, 200.0, 0.95),
        "hazards_rectified" => reached("hazards", 30.0, 200.0, 0.85),
        "major_hazards_overdue" => 0.0,
        "abnormal_events_due" => required("events", 10.0, 80.0),
        "abnormal_events_on_time" => reached("events", 10.0, 80.0, 0.85),
        "grids" => required("grids", 8.0, 40.0),
        "grid_reports_confirmed" => required("grid_reports", 20.0, 160.0),
        "shelters_total" => required("shelters", 5.0, 25.0),
        "shelters_standardised" => reached("shelters", 5.0, 25.0, 0.85),
        "equipment_required" => required("equipment", 200.0, 900.0),
        "equipment_held" => reached("equipment", 200.0, 900.0, 0.85),
        "villages_total" => required("villages", 6.0, 45.0),
        "villages_within_15min" => reached("villages", 6.0, 45.0, 0.85),
        "drills_planned" => required("drills", 4.0, 14.0),
        "drills_done" => reached("drills", 4.0, 14.0, 0.6),
        "trainees_planned" => required("trainees", 100.0, 900.0),
        "trainees_done" => reached("trainees", 100.0, 900.0, 0.6),
        "rescue_team_required" => required("team", 20.0, 80.0),
        "rescue_team_ready" => reached("team", 20.0, 80.0, 0.85),
        "duty_confirmations_due" => required("duty", 8.0, 45.0),
        "duty_confirmations_received" => reached("duty", 8.0, 45.0, 0.9),
        "accident_deaths"
        | "accident_serious_injuries"
        | "accident_minor_injuries"
        | "accident_fires" => 0.0,
        "people_to_evacuate" => required("evacuation", 10.0, 900.0),
        "people_evacuated" => {
            let share = weather.prepared * own.named("moved").between(0, 0.85, 1.01).min(1.0);
            libm::floor(required("evacuation", 10.0, 900.0) * share)
        }
        "population" => population,
        "vulnerable_population_share" => libm::round(own.between(41, 5.0, 25.0)),
        _ => return None,
    })
}

/// Who is to be moved and who is, where a script says so.
fn scripted_people(moment: &Moment<'_>) -> Option<u32> {
    let evacuation = &moment.script()?.evacuation;
    let (township, category) = (moment.thing.township?, moment.spec.channel.as_ref()?);
    match moment.property() {
        "people_to_evacuate" => Some(evacuation.people(township, category)),
        "people_evacuated" => Some(evacuation.moved(township, category, moment.at)),
        _ => None,
    }
}
