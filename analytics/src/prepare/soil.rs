//! The soil tanks of each rain gauge (docs/indices.md 2.5): stepped at whole
//! minutes over complete slots of ten minutes, and read as the soil water
//! index.
//!
//! A slot is stepped as soon as all of it was reported, at the latest one
//! expected period T after its end, by what is there then; when that is less
//! than half of the slot, it is missing and holds the tanks. A report that
//! comes later changes nothing. Rain has no levels of its own, so a suspect
//! amount counts like any other usable one; what failed never does.

use std::time::Duration;

use model::{DatastreamId, OverrideKind, PropertyId, Quality, ThingState, Time};

use crate::hazard::StationReading;
use crate::physics::soil_water::SoilWater;
use crate::windows::{RainSlots, Sample, rain_slot, up_to};
use crate::world::{SoilMemory, Stream, World};

/// What the gauges measure.
pub(super) static RAIN: PropertyId = PropertyId::from_static("rainfall_depth");

/// What is computed from it.
pub(super) static SOIL: PropertyId = PropertyId::from_static("soil_water_index");

const SLOT: Duration = Duration::from_secs(600);
const SLOT_MS: i64 = 600_000;
const STEP_H: f64 = 1.0 / 6.0;

const MINUTE: Duration = Duration::from_secs(60);

/// T of a rain gauge, should the catalogue not name one.
const PERIOD: Duration = Duration::from_secs(600);

/// Steps the tanks of all rain gauges up to a whole minute. A gauge begins with
/// the slot of its first report, with dry tanks, or goes on from its memory.
pub fn advance_soil(world: &mut World, at: Time) {
    let at = at.floor_to(MINUTE);
    let World { streams, things, documents, memory, .. } = world;
    for stream in streams.values().filter(|stream| stream.id.property == RAIN) {
        let id = &stream.id;
        let is_there = things
            .get(&id.thing)
            .is_some_and(|thing| !matches!(thing.state, ThingState::Planned | ThingState::Retired));
        if !is_there {
            continue;
        }
        let before = memory.soil.get(id).copied().or_else(|| first(stream, at));
        let Some(mut soil) = before else { continue };
        let is_faulty = |end| documents.is_overridden(id, OverrideKind::Fault, end);
        advance(&mut soil, stream, is_faulty, at);
        memory.soil.insert(id.clone(), soil);
    }
}

/// Dry tanks at the start of the slot that the first report ends in.
fn first(stream: &Stream, at: Time) -> Option<SoilMemory> {
    let report = stream.up_to(at).iter().find(|sample| sample.is_usable())?;
    let within = Time::from_millis_clamped(report.time.millis() - 1);
    Some(SoilMemory { tanks: SoilWater::default(), stepped_to: within.floor_to(SLOT) })
}

fn advance(soil: &mut SoilMemory, stream: &Stream, is_faulty: impl Fn(Time) -> bool, at: Time) {
    if soil.stepped_to + SLOT > at {
        return;
    }
    let reports = stream.up_to(at);
    let reports = &reports[reports.partition_point(|report| report.time <= soil.stepped_to)..];
    let rain: Vec<Sample> = reports.iter().filter(|report| report.is_usable()).copied().collect();
    let period = stream.property.spec.period.unwrap_or(PERIOD);
    let slots = RainSlots { slot: SLOT, period };

    skip_silence(soil, rain.first().map_or(at, |report| report.time), period);
    loop {
        let end = soil.stepped_to + SLOT;
        let counting = if is_faulty(end) { &[][..] } else { &rain[..] };
        let Some(depth_mm) = settled(counting, end, slots, at) else { return };
        soil.tanks = soil.tanks.step(depth_mm, STEP_H);
        soil.stepped_to = end;
    }
}

/// Steps at once over all slots that were missing before anything was heard.
fn skip_silence(soil: &mut SoilMemory, heard: Time, period: Duration) {
    // A slot is given up at the first whole minute not before its end and T.
    let given_up = soil.stepped_to + period + MINUTE;
    let n_missing = heard.millis_since(given_up).div_euclid(SLOT_MS).max(0);
    let n_more = u32::try_from(n_missing).unwrap_or(u32::MAX);
    soil.tanks.n_missing = soil.tanks.n_missing.saturating_add(n_more);
    soil.stepped_to = Time::from_millis_clamped(soil.stepped_to.millis() + n_missing * SLOT_MS);
}

/// The rain of a slot, `None` inside for missing, once nothing more is waited
/// for. It asks minute by minute, so that one call after a stop finds what the
/// calls it stands for would have found.
fn settled(rain: &[Sample], end: Time, slots: RainSlots, at: Time) -> Option<Option<f64>> {
    let mut known_at = end;
    while known_at <= at {
        let slot = rain_slot(up_to(rain, known_at), end, slots);
        if slot.is_complete || known_at >= end + slots.period {
            return Some(slot.depth_mm);
        }
        known_at = known_at + MINUTE;
    }
    None
}

/// The datastream that the index of a rain gauge has.
pub(super) fn soil_datastream(rain: &DatastreamId) -> DatastreamId {
    DatastreamId { property: SOIL.clone(), ..rain.clone() }
}

/// The index of a rain gauge, mm. While every slot so far was reported it is as
/// new as the gauge's newest report; once one was missing it is as old as the
/// last slot that was not, and has nothing present: not fresh.
pub(super) fn soil_reading(world: &World, rain: &Stream, at: Time) -> Option<StationReading> {
    let soil = world.memory.soil.get(&rain.id)?;
    let latest = rain.latest(at);
    let missing_ms = i64::from(soil.tanks.n_missing) * SLOT_MS;
    let reported_to = Time::from_millis_clamped(soil.stepped_to.millis() - missing_ms);
    let is_stale = soil.tanks.is_stale();
    let newest = latest.filter(|_| !is_stale).map_or(reported_to, |report| report.time);
    Some(StationReading {
        value: soil.tanks.index_mm(),
        newest: newest.max(reported_to),
        slots_present: if is_stale { 0.0 } else { 1.0 },
        quality: latest.map_or(Quality::PASS, |report| report.quality),
    })
}

#[cfg(test)]
mod tests {
    use model::Flag;

    use super::super::test_world::{COAST, minute, world};
    use super::*;

    const GAUGE: &str = "hm-1/rainfall_depth";

    fn gauge(reports: &[(i64, f64)]) -> World {
        world().with_station("hm-1", COAST, &["rainfall_depth"]).with_readings(GAUGE, reports)
    }

    /// What is remembered of the gauge: its index, the minute it was stepped
    /// to, the slots missing.
    fn soil(world: &World) -> Option<(f64, i64, u32)> {
        let soil = world.memory.soil.get(&DatastreamId::parse(GAUGE).unwrap())?;
        let rounded = (soil.tanks.index_mm() * 1e4).round() / 1e4;
        Some((rounded, soil.stepped_to.millis() / 60_000, soil.tanks.n_missing))
    }

    #[track_caller]
    fn check(reports: &[(i64, f64)], at: i64, expected: Option<(f64, i64, u32)>) {
        let mut world = gauge(reports);
        advance_soil(&mut world, minute(at));
        assert_eq!(soil(&world), expected);
    }

    #[test]
    fn a_slot_is_stepped_once_all_of_it_is_reported() {
        check(&[], 100, None);
        check(&[(10, 6.0)], 9, None);
        check(&[(10, 6.0)], 10, Some((6.0, 10, 0)));
        // 6·(1 − 0.12/6) stays above, 6·0.12/6 seeps below; 4 is added.
        check(&[(10, 6.0), (20, 4.0)], 20, Some((10.0, 20, 0)));
    }

    #[test]
    fn a_gauge_off_the_grid_shares_its_reports_out() {
        let mut world = gauge(&[]);
        for (since, time) in [(-3, 7), (7, 17), (17, 27)] {
            let stream = world.stream_mut(GAUGE);
            stream.insert(Sample {
                time: minute(time),
                since: Some(minute(since)),
                value: 1.0,
                quality: Quality::PASS,
            });
        }
        advance_soil(&mut world, minute(16));
        assert_eq!(
            soil(&world),
            Some((0.0, 0, 0)),
            "of the first slot three minutes are not there"
        );
        advance_soil(&mut world, minute(17));
        assert_eq!(soil(&world), Some((1.0, 10, 0)));
    }

    #[test]
    fn a_missing_slot_is_given_up_after_one_period_and_holds_the_tanks() {
        check(&[(10, 6.0)], 29, Some((6.0, 10, 0)));
        check(&[(10, 6.0)], 30, Some((6.0, 20, 1)));
        check(&[(10, 6.0)], 100_000, Some((6.0, 99_990, 9_998)));
        check(&[(10, 6.0), (40, 3.0)], 40, Some((9.0, 40, 0)));
    }

    #[test]
    fn a_slot_that_is_mostly_there_is_not_missing() {
        let mut world = gauge(&[]);
        let sample = |since, time, value| Sample {
            time: minute(time),
            since: Some(minute(since)),
            value,
            quality: Quality::PASS,
        };
        world.stream_mut(GAUGE).insert(sample(0, 5, 2.0));
        advance_soil(&mut world, minute(19));
        assert_eq!(soil(&world), Some((0.0, 0, 0)));
        advance_soil(&mut world, minute(20));
        assert_eq!(soil(&world), Some((2.0, 10, 0)));
    }

    #[test]
    fn a_late_report_changes_nothing() {
        let mut world = gauge(&[(10, 6.0)]);
        advance_soil(&mut world, minute(30));
        let mut world = world.with_readings(GAUGE, &[(20, 50.0)]);
        advance_soil(&mut world, minute(31));
        assert_eq!(soil(&world), Some((6.0, 20, 1)));
    }

    #[test]
    fn rain_that_failed_or_of_a_faulty_gauge_is_missing() {
        let mut world = gauge(&[(10, 6.0), (20, 30.0)]);
        world.stream_mut(GAUGE).samples[1].quality = Quality::new(Flag::Fail);
        advance_soil(&mut world, minute(30));
        assert_eq!(soil(&world), Some((6.0, 20, 1)));

        let world = gauge(&[(10, 6.0), (20, 30.0), (80, 1.0)]);
        let mut world = world.with_override(GAUGE, OverrideKind::Fault, 15);
        advance_soil(&mut world, minute(70));
        assert_eq!(soil(&world), Some((6.0, 60, 5)));
    }

    #[test]
    fn memory_goes_on_and_retired_gauges_rest() {
        let mut world = gauge(&[(110, 5.0)]);
        let tanks = SoilWater { tanks_mm: [50.0, 20.0, 10.0], n_missing: 0 };
        let soil_memory = SoilMemory { tanks, stepped_to: minute(100) };
        world.memory.soil.insert(DatastreamId::parse(GAUGE).unwrap(), soil_memory);
        advance_soil(&mut world, minute(110));
        let expected = tanks.step(Some(5.0), STEP_H).index_mm();
        assert_eq!(soil(&world), Some(((expected * 1e4).round() / 1e4, 110, 0)));

        let mut retired = gauge(&[(10, 6.0)]).edit("hm-1", |t| t.state = ThingState::Retired);
        advance_soil(&mut retired, minute(100));
        assert_eq!(soil(&retired), None);
    }

    /// Reports with gaps, off the grid, of many lengths.
    fn ragged() -> World {
        let mut world = gauge(&[]);
        let mut time = 3;
        for n in 0..400_i64 {
            let length = 1 + (n * 7) % 23;
            let gap = if n % 17 == 0 { 47 } else { (n * 5) % 4 };
            let since = time + gap;
            time = since + length;
            let quality = if n % 29 == 0 { Quality::new(Flag::Fail) } else { Quality::PASS };
            world.stream_mut(GAUGE).insert(Sample {
                time: minute(time),
                since: (n % 5 != 0).then(|| minute(since)),
                value: (n % 9) as f64,
                quality,
            });
        }
        world
    }

    #[test]
    fn one_call_is_all_the_minutes_it_stands_for() {
        let (mut by_minute, mut at_once, mut resumed) = (ragged(), ragged(), ragged());
        for n in 0..6_000 {
            advance_soil(&mut by_minute, minute(n));
            if n % 1_234 == 0 {
                advance_soil(&mut resumed, minute(n));
            }
        }
        advance_soil(&mut at_once, minute(5_999));
        advance_soil(&mut resumed, minute(5_999));
        assert!(soil(&by_minute).is_some_and(|(index, _, _)| index > 50.0));
        assert_eq!(by_minute.memory, at_once.memory);
        assert_eq!(by_minute.memory, resumed.memory);
    }

    #[test]
    fn the_index_is_as_new_as_its_gauge_until_a_slot_is_missing() {
        let mut world = gauge(&[(10, 6.0), (20, 0.0), (25, 0.0)]);
        let id = DatastreamId::parse(GAUGE).unwrap();
        let reading = |world: &World, at| {
            let found = soil_reading(world, &world.streams[&id], minute(at)).unwrap();
            (found.newest.millis() / 60_000, found.slots_present)
        };
        advance_soil(&mut world, minute(26));
        assert_eq!(reading(&world, 26), (25, 1.0));
        advance_soil(&mut world, minute(50));
        assert_eq!(reading(&world, 50), (30, 0.0));
        let mut world = world.with_readings("hm-1/rainfall_depth", &[(51, 0.0)]);
        advance_soil(&mut world, minute(52));
        assert_eq!(reading(&world, 52), (30, 0.0), "its slot is not complete");
    }
}
