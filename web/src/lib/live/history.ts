/**
 * The scores of the last hour, by index and township, for the trend. A score
 * holds until the next one, so few samples are enough: one every two minutes.
 */

import type { Score } from '../api/types';
import { parseTime } from '../format/time';

export type Sample = { time: number; score: number };

export type History = Map<string, Sample[]>;

export const HISTORY_MS = 3_600_000;
const SPACING_MS = 120_000;

export function historyKey(index: string, township: string): string {
  return `${index} ${township}`;
}

/** Notes a score. In order of time, whenever it comes: the past is read after the present. */
export function record(history: History, score: Score): void {
  const time = parseTime(score.time);
  if (time === null || score.score === null || score.grey) return;
  const key = historyKey(score.index, score.township);
  const samples = history.get(key) ?? [];
  history.set(key, samples);
  const after = samples.findIndex((sample) => sample.time >= time);
  const place = after === -1 ? samples.length : after;
  const next = samples[place];
  if (next?.time === time) return;
  const previous = samples[place - 1];
  if (previous && time - previous.time < SPACING_MS) return;
  samples.splice(place, 0, { time, score: score.score });
  prune(samples);
}

/** Keeps the last hour, and the one sample before it, which held when it began. */
function prune(samples: Sample[]): void {
  const newest = samples[samples.length - 1]?.time ?? 0;
  while (samples.length > 1 && (samples[1]?.time ?? newest) <= newest - HISTORY_MS) samples.shift();
}
