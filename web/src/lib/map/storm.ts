/** What of a storm is drawn: its way so far, the forecast, and the circles of its winds. */

import type { Bulletin, StormFix } from '../api/storms';
import { parseTime } from '../format/time';
import { kilometre, toWorld, type World } from './mercator';

export type WindCircle = { force: 7 | 10 | 12; radius: number };
export type TrackPoint = World & { time: number; circles: WindCircle[] };
export type Track = {
  key: string;
  label: string;
  observed: TrackPoint[];
  forecast: TrackPoint[];
};

/** Of the newest bulletin of an agency that was issued by `now`. */
export function trackOf(bulletins: readonly Bulletin[], label: string, now: number): Track | null {
  const known = bulletins.filter((bulletin) => (parseTime(bulletin.issued) ?? 0) <= now);
  const newest = known.reduce<Bulletin | null>((found, bulletin) => {
    const isNewer =
      found === null || (parseTime(bulletin.issued) ?? 0) >= (parseTime(found.issued) ?? 0);
    return isNewer ? bulletin : found;
  }, null);
  if (newest === null) return null;
  return {
    key: newest.id,
    label: `${label} ${newest.agency}`,
    observed: newest.observed.flatMap(pointOf),
    forecast: newest.forecast.flatMap(pointOf),
  };
}

function pointOf(fix: StormFix): TrackPoint[] {
  const time = parseTime(fix.time);
  if (time === null) return [];
  const [longitude, latitude] = fix.position;
  const perKm = kilometre(latitude);
  const circles: [7 | 10 | 12, number | null][] = [
    [7, fix.force7_km],
    [10, fix.force10_km],
    [12, fix.force12_km],
  ];
  return [
    {
      ...toWorld(longitude, latitude),
      time,
      circles: circles.flatMap(([force, km]) => (km ? [{ force, radius: km * perKm }] : [])),
    },
  ];
}
