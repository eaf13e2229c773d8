/** What the history view shows, as its address says it. */

import { AGGREGATES, type Aggregate, type Span, type Windows } from '../api/series';
import type { Query } from './route';

/** A datastream, or the score of a township under an index. */
export type Source =
  | { kind: 'datastream'; key: string; id: string }
  | { kind: 'score'; key: string; index: string; township: string };

/** More lines than this cannot be told apart. */
export const SOURCES_MAX = 8;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const STEPS = ['1min', '10min', '1h', '1d'] as const;
export type Step = (typeof STEPS)[number];
/** `auto`: single readings as long as a screen can show them. */
export const STEP_CHOICES: readonly (Step | 'auto' | 'raw')[] = ['auto', 'raw', ...STEPS];

const STEP_MS: Record<Step, number> = {
  '1min': MINUTE_MS,
  '10min': 10 * MINUTE_MS,
  '1h': HOUR_MS,
  '1d': 24 * HOUR_MS,
};
/** About as many points as a wide screen has columns, times two. */
const POINTS_WANTED = 4_000;

const DATASTREAM = /^[a-z0-9][a-z0-9_-]{0,63}\/[a-z][a-z0-9_]{0,63}(:[a-z0-9_]{1,32})?$/;
const SCORE = /^score:([a-z][a-z-]{0,63}):([0-9]{6,12})$/;

export function parseSources(query: Query): Source[] {
  const keys = [...new Set((query['s'] ?? '').split(',').filter(Boolean))];
  return keys
    .flatMap((key): Source[] => {
      const score = SCORE.exec(key);
      if (score !== null) {
        return [{ kind: 'score', key, index: score[1] ?? '', township: score[2] ?? '' }];
      }
      return DATASTREAM.test(key) ? [{ kind: 'datastream', key, id: key }] : [];
    })
    .slice(0, SOURCES_MAX);
}

/**
 * Fixed bounds where the address has them, else the last hours before `now`,
 * so that a link to "the last day" stays one.
 */
export function parseSpan(query: Query, now: number): Span & { hours: number | null } {
  const from = instant(query['from']);
  const to = instant(query['to']);
  if (from !== null && to !== null && from < to) return { from, to, hours: null };
  const hours = Math.min(Math.max(Number(query['hours']) || 24, 1), 24 * 366);
  return { from: Math.floor(now - hours * HOUR_MS), to: Math.ceil(now), hours };
}

/** The beginning of the period to compare with; null where none is asked for. */
export function parseOther(query: Query): number | null {
  return instant(query['other']);
}

export function parseAggregate(query: Query): Aggregate {
  return AGGREGATES.find((each) => each === query['agg']) ?? 'mean';
}

export function windowsOf(query: Query, span: Span): Windows {
  const aggregate = parseAggregate(query);
  const asked = STEP_CHOICES.find((each) => each === query['step']) ?? 'auto';
  if (asked === 'raw') return null;
  if (asked !== 'auto') return { every: asked, aggregate };
  const spanMs = span.to - span.from;
  // At a reading each minute this much is drawn as it is.
  if (spanMs / MINUTE_MS <= POINTS_WANTED) return null;
  const step = STEPS.find((each) => spanMs / STEP_MS[each] <= POINTS_WANTED) ?? '1d';
  return { every: step, aggregate };
}

function instant(text: string | undefined): number | null {
  const ms = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

const SHANGHAI_MS = 8 * HOUR_MS;

/** For a field of date and time: the instant in Asia/Shanghai, without its offset. */
export function toField(ms: number): string {
  return new Date(ms + SHANGHAI_MS).toISOString().slice(0, 16);
}

/** What such a field says, with the offset that it leaves out; null for what is no time. */
export function fromField(text: string): string | null {
  return Number.isNaN(Date.parse(`${text}:00+08:00`)) ? null : `${text}:00+08:00`;
}

/** RFC 4180; a cell that a spreadsheet would take for a formula is made harmless. */
export function toCsv(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}
