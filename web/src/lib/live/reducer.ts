/**
 * What the event stream says, folded into what the page shows.
 *
 * `snapshot` replaces everything, `score` and `latest` change parts of it,
 * `reset` says that a new snapshot follows and that until then nothing shown
 * may count as live.
 */

import type { LatestColumns, Score, Snapshot } from '../api/types';
import { parseTime } from '../format/time';
import { mergeLatest, type LatestTable } from './latest';

export type LiveData = {
  scores: Map<string, Score>;
  latest: LatestTable;
  /** Does the server send latest values to this reader at all? */
  hasLatest: boolean;
  /** False until the first snapshot, and between a reset and the next one. */
  isComplete: boolean;
};

export type LiveEvent =
  | { type: 'snapshot'; data: Snapshot }
  | { type: 'score'; data: Score }
  | { type: 'latest'; data: LatestColumns }
  | { type: 'reset' };

export type Changed = { scores: boolean; latest: boolean };

export function emptyLiveData(): LiveData {
  return { scores: new Map(), latest: new Map(), hasLatest: false, isComplete: false };
}

export function reduce(data: LiveData, event: LiveEvent): Changed {
  switch (event.type) {
    case 'snapshot':
      data.scores = new Map(event.data.scores.map((score) => [score.township, score]));
      data.latest = new Map();
      data.hasLatest = Boolean(event.data.latest);
      if (event.data.latest) mergeLatest(data.latest, event.data.latest);
      data.isComplete = true;
      return { scores: true, latest: true };
    case 'score':
      return { scores: takeScore(data.scores, event.data), latest: false };
    case 'latest':
      data.hasLatest = true;
      return { scores: false, latest: mergeLatest(data.latest, event.data) > 0 };
    case 'reset':
      data.isComplete = false;
      return { scores: false, latest: false };
  }
}

/** A score of an earlier instant than the one shown is not news. */
function takeScore(scores: Map<string, Score>, score: Score): boolean {
  const shown = scores.get(score.township);
  if (shown && (parseTime(score.time) ?? 0) < (parseTime(shown.time) ?? 0)) return false;
  scores.set(score.township, score);
  return true;
}

/** The instant of the newest score, which is the time of the page's assessment. */
export function newestScoreTime(scores: Map<string, Score>): number | null {
  let newest: number | null = null;
  for (const score of scores.values()) {
    const time = parseTime(score.time);
    if (time !== null && (newest === null || time > newest)) newest = time;
  }
  return newest;
}
