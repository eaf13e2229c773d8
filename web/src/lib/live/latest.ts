/**
 * The newest value of each datastream, by id. Values are changed in place:
 * with thousands of datastreams a copy per event would cost more than the event.
 */

import type { LatestColumns } from '../api/types';
import { parseTime } from '../format/time';

export type LatestValue = {
  time: number;
  value: number;
  quality: number;
  /** Since when the value has been the same, as far as it is known. */
  unchangedSince: number | null;
};

export type LatestTable = Map<string, LatestValue>;

/** More datastreams than a county has: what goes beyond is not taken up. */
export const DATASTREAMS_MAX = 50_000;

/** Merges changed values. Latest is the greatest event time: an older one changes nothing. */
export function mergeLatest(table: LatestTable, columns: LatestColumns): number {
  let changed = 0;
  columns.datastream.forEach((id, index) => {
    const time = parseTime(columns.time[index]);
    const value = columns.value[index];
    const quality = columns.quality[index];
    if (time === null || value === undefined || quality === undefined) return;
    const before = table.get(id);
    if (before === undefined && table.size >= DATASTREAMS_MAX) return;
    if (before !== undefined && time < before.time) return;
    const told = parseTime(columns.unchanged_since?.[index]);
    const unchangedSince = told ?? carriedSince(before, value, time);
    table.set(id, { time, value, quality, unchangedSince });
    changed += 1;
  });
  return changed;
}

function carriedSince(before: LatestValue | undefined, value: number, time: number): number | null {
  if (before === undefined) return null;
  return before.value === value ? before.unchangedSince : time;
}
