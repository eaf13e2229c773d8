/**
 * What the event stream says, folded into what the page shows.
 *
 * `snapshot` replaces everything, `score`, `county`, `alert` and `latest`
 * change parts of it, `reset` says that a new snapshot follows and that until
 * then nothing shown may count as live.
 */

import { takeScore, takeScores } from '../api/score';
import type { Alert, LatestColumns, Score, Snapshot } from '../api/types';
import { isClosed } from '../domain/alerts';
import { parseTime } from '../format/time';
import { mergeLatest, type LatestTable } from './latest';

export type LiveData = {
  /** By index, then by township; the county is among them under its code. */
  scores: Map<string, Map<string, Score>>;
  /** By id. Closed ones stay for a while, so that an older word cannot open them again. */
  alerts: Map<string, Alert>;
  latest: LatestTable;
  /** Does the server send alerts, and latest values, to this reader at all? */
  hasAlerts: boolean;
  hasLatest: boolean;
  /** False until the first snapshot, and between a reset and the next one. */
  isComplete: boolean;
};

export type LiveEvent =
  | { type: 'snapshot'; data: Snapshot }
  | { type: 'score' | 'county'; data: unknown }
  | { type: 'alert'; data: Alert }
  | { type: 'latest'; data: LatestColumns }
  | { type: 'reset' };

export type Changed = { scores: boolean; alerts: boolean; latest: boolean };

const NOTHING: Changed = { scores: false, alerts: false, latest: false };

/** More alerts than are ever open at once; beyond it the oldest closed ones go. */
export const ALERTS_MAX = 5_000;

export function emptyLiveData(): LiveData {
  return {
    scores: new Map(),
    alerts: new Map(),
    latest: new Map(),
    hasAlerts: false,
    hasLatest: false,
    isComplete: false,
  };
}

export function reduce(data: LiveData, event: LiveEvent): Changed {
  switch (event.type) {
    case 'snapshot':
      begin(data, event.data);
      return { scores: true, alerts: true, latest: true };
    case 'score':
    case 'county':
      return { ...NOTHING, scores: mergeScore(data, takeScore(event.data)) };
    case 'alert':
      data.hasAlerts = true;
      return { ...NOTHING, alerts: mergeAlert(data.alerts, event.data) };
    case 'latest':
      data.hasLatest = true;
      return { ...NOTHING, latest: mergeLatest(data.latest, event.data) > 0 };
    case 'reset':
      data.isComplete = false;
      return NOTHING;
  }
}

function begin(data: LiveData, snapshot: Snapshot): void {
  data.scores = new Map();
  const scores = [...takeScores(snapshot.scores), ...takeScores(snapshot.county)];
  for (const score of scores) mergeScore(data, score);
  data.hasAlerts = Boolean(snapshot.alerts);
  data.alerts = new Map((snapshot.alerts ?? []).map((alert) => [alert.id, alert]));
  data.latest = new Map();
  data.hasLatest = Boolean(snapshot.latest);
  if (snapshot.latest) mergeLatest(data.latest, snapshot.latest);
  data.isComplete = true;
}

/** A score of an earlier instant than the one shown is not news. */
function mergeScore(data: LiveData, score: Score | null): boolean {
  if (score === null) return false;
  let ofIndex = data.scores.get(score.index);
  if (ofIndex === undefined) {
    ofIndex = new Map();
    data.scores.set(score.index, ofIndex);
  }
  const shown = ofIndex.get(score.township);
  if (shown && (parseTime(score.time) ?? 0) < (parseTime(shown.time) ?? 0)) return false;
  ofIndex.set(score.township, score);
  return true;
}

/** Of one alert the word with the highest sequence number counts. */
function mergeAlert(alerts: Map<string, Alert>, alert: Alert): boolean {
  const shown = alerts.get(alert.id);
  if (shown && alert.sequence < shown.sequence) return false;
  alerts.set(alert.id, alert);
  if (alerts.size > ALERTS_MAX) dropClosed(alerts);
  return true;
}

function dropClosed(alerts: Map<string, Alert>): void {
  for (const [id, alert] of alerts) {
    if (alerts.size <= ALERTS_MAX) return;
    if (isClosed(alert)) alerts.delete(id);
  }
}

/** The instant of the newest score, which is the time of the page's assessment. */
export function newestScoreTime(scores: Iterable<Score>): number | null {
  let newest: number | null = null;
  for (const score of scores) {
    const time = parseTime(score.time);
    if (time !== null && (newest === null || time > newest)) newest = time;
  }
  return newest;
}
