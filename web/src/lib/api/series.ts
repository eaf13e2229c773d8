/** History: readings of a datastream and scores of a township, as pairs of time and value. */

import { query, read } from './http';
import type { LevelName } from './types';

/** The most the server gives at once; more are read page by page … */
const ROWS_MAX = 100_000;
/** … up to this many pages, which is more than a screen can show. */
const PAGES_MAX = 10;
const TIMEOUT_MS = 60_000;

export type Span = { from: number; to: number };
export type Rows = { times: number[]; values: (number | null)[]; unit: string; isCut: boolean };

export type Observation = {
  time: string;
  value: number;
  quality: number;
  quality_tests: string[];
  received: string;
};

export type ScorePoint = {
  time: string;
  score: number | null;
  level: LevelName | null;
  grey: boolean;
  provisional: boolean;
  coverage: number;
  confidence: number;
};

export const AGGREGATES = ['mean', 'min', 'max', 'sum', 'count', 'first', 'last'] as const;
export type Aggregate = (typeof AGGREGATES)[number];
export type Windows = { every: string; aggregate: Aggregate } | null;

type RowPage = { rows: [number, number][]; unit: string | null; next_cursor: string | null };

export async function readRows(datastream: string, span: Span, windows: Windows): Promise<Rows> {
  const path = `/datastreams/${encodeURIComponent(datastream)}/observations`;
  const found: Rows = { times: [], values: [], unit: '', isCut: false };
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const asked = { ...span, ...windows, shape: 'rows', limit: ROWS_MAX, cursor };
    const answer: RowPage = await read<RowPage>(path + query(asked), { timeoutMs: TIMEOUT_MS });
    for (const [time, value] of answer.rows) {
      found.times.push(time);
      found.values.push(value);
    }
    found.unit = answer.unit ?? '';
    cursor = answer.next_cursor ?? undefined;
    if (cursor === undefined) return found;
  }
  return { ...found, isCut: true };
}

/** The readings of a span with their quality, newest first. */
export async function readNewestReadings(
  datastream: string,
  span: Span,
  n: number,
): Promise<Observation[]> {
  const path = `/datastreams/${encodeURIComponent(datastream)}/observations`;
  const asked = query({ ...span, limit: ROWS_MAX });
  const answer = await read<{ items: Observation[] }>(path + asked, { timeoutMs: TIMEOUT_MS });
  return answer.items.slice(-n).reverse();
}

type ScoreSeries = { items: ScorePoint[]; next_cursor: string | null };

export async function readScores(
  index: string,
  township: string,
  span: Span,
): Promise<{ points: ScorePoint[]; isCut: boolean }> {
  const points: ScorePoint[] = [];
  const bounds = {
    start: new Date(span.from).toISOString(),
    stop: new Date(span.to).toISOString(),
  };
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const asked = query({ ...bounds, limit: ROWS_MAX, cursor });
    const path = `/indices/${index}/townships/${township}/scores${asked}`;
    const answer: ScoreSeries = await read<ScoreSeries>(path, { timeoutMs: TIMEOUT_MS });
    points.push(...answer.items);
    cursor = answer.next_cursor ?? undefined;
    if (cursor === undefined) return { points, isCut: false };
  }
  return { points, isCut: true };
}
