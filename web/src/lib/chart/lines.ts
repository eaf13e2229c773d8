/** What a chart shows, before anything is drawn: lines, bands of levels, lines of limits, events. */

import type { LevelName, WarningLevels } from '../api/types';
import { LEVELS, type LevelRange } from '../domain/level';

export type ChartLine = {
  key: string;
  label: string;
  unit: string;
  times: readonly number[];
  values: readonly (number | null)[];
  /** Holds until the next one, as levels and states do. */
  isStepped?: boolean;
};

export type Band = { level: LevelName; from: number | null; below: number | null };
export type Limit = { level: LevelName; value: number };
export type EventMark = { key: string; time: number; label: string; level: LevelName };

export type Chart = {
  lines: readonly ChartLine[];
  from: number;
  to: number;
  bands?: readonly Band[];
  limits?: readonly Limit[];
  events?: readonly EventMark[];
  /** Bounds that the first axis shows in any case. */
  range?: readonly [number, number];
};

/** A screen has room for so many axes; what has a further unit shares the last one. */
const AXES_MAX = 4;

/** The units that get an axis each, in the order of their lines. */
export function axisUnits(lines: readonly { unit: string }[]): string[] {
  return [...new Set(lines.map((line) => line.unit))].slice(0, AXES_MAX);
}

export function axisOf(unit: string, units: readonly string[]): string {
  return units.includes(unit) ? unit : (units[units.length - 1] ?? unit);
}

export type LineSummary = {
  last: number | null;
  lastTime: number | null;
  least: number | null;
  most: number | null;
  mostTime: number | null;
  n: number;
};

/** Newest, least and most of a line: what a reader who sees no picture has to be told. */
export function summarise(line: Pick<ChartLine, 'times' | 'values'>): LineSummary {
  const found: LineSummary = {
    last: null,
    lastTime: null,
    least: null,
    most: null,
    mostTime: null,
    n: 0,
  };
  line.values.forEach((value, place) => {
    if (value === null) return;
    const time = line.times[place] ?? null;
    found.n += 1;
    found.last = value;
    found.lastTime = time;
    if (found.least === null || value < found.least) found.least = value;
    if (found.most === null || value > found.most) {
      found.most = value;
      found.mostTime = time;
    }
  });
  return found;
}

/** The value of a line that held at an instant: the newest not after it. */
export function valueAt(line: Pick<ChartLine, 'times' | 'values'>, time: number): number | null {
  let low = 0;
  let high = line.times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((line.times[middle] ?? Number.POSITIVE_INFINITY) <= time) low = middle + 1;
    else high = middle;
  }
  return line.values[low - 1] ?? null;
}

/** Breaks a line where nothing came for longer than `gapMs`: silence is not a straight line. */
export function withGaps(line: ChartLine, gapMs: number | null): ChartLine {
  if (gapMs === null) return line;
  const times: number[] = [];
  const values: (number | null)[] = [];
  line.times.forEach((time, place) => {
    const before = line.times[place - 1];
    if (before !== undefined && time - before > gapMs) {
      times.push(before + 1);
      values.push(null);
    }
    times.push(time);
    values.push(line.values[place] ?? null);
  });
  return { ...line, times, values };
}

export function limitsOf(levels: WarningLevels | null | undefined): Limit[] {
  return LEVELS.flatMap((level): Limit[] => {
    const value = level === 'none' ? null : levels?.[level];
    return value == null ? [] : [{ level, value }];
  });
}

/** The coloured part of a scale; what is below the first bound has no colour. */
export function bandsOf(ranges: readonly LevelRange[]): Band[] {
  return ranges.filter((range) => range.level !== 'none');
}

/** A short time axis says the hour, a longer one the day. */
export function stepOf(spanMs: number): 'minute' | 'day' {
  return spanMs > 4 * 86_400_000 ? 'day' : 'minute';
}
