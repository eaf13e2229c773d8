/** Where a score has gone within the last hour. */

import type { Score } from '../api/types';
import { HISTORY_MS, type Sample } from '../live/history';

/** Below this confidence an arrow would say more than is known (domain: section 5). */
const CONFIDENCE_MIN = 0.7;
const TOLERANCE = 1e-9;
/** Less than this is no trend but noise; a matter of showing only. */
const POINTS_MIN = 1;
/** An arrow says something of at least this long. */
const SPAN_MIN_MS = 1_800_000;

export type Trend = { direction: 'up' | 'down' | 'steady'; points: number; spanMs: number };

/** `null`: no arrow, because confidence, score or past is not there. */
export function trendOf(
  score: Score | null,
  samples: readonly Sample[] | undefined,
  now: number,
): Trend | null {
  if (score === null || score.score === null || score.grey) return null;
  if (score.confidence < CONFIDENCE_MIN - TOLERANCE) return null;
  const base = baseOf(samples ?? [], now);
  if (base === null) return null;
  const points = score.score - base.score;
  const size = Math.abs(points);
  const direction = size < POINTS_MIN - TOLERANCE ? 'steady' : points > 0 ? 'up' : 'down';
  return { direction, points, spanMs: Math.min(HISTORY_MS, now - base.time) };
}

/** What held an hour ago, or the oldest that is known if that is long enough ago. */
function baseOf(samples: readonly Sample[], now: number): Sample | null {
  const held = samples.filter((sample) => sample.time <= now - HISTORY_MS);
  const base = held[held.length - 1] ?? samples[0];
  return base !== undefined && now - base.time >= SPAN_MIN_MS ? base : null;
}
