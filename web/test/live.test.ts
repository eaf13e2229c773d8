import { expect, test } from 'vitest';

import {
  connectionState,
  isSilent,
  LOST_AFTER_MS,
  PROBE_EVERY_MS,
  PROBE_TIMEOUT_MS,
  SILENT_AFTER_MS,
  type Evidence,
} from '../src/lib/live/connection';
import type { Score } from '../src/lib/api/types';
import { isAssessmentLate } from '../src/lib/domain/lateness';
import { ALERTS_MAX, emptyLiveData, newestScoreTime, reduce } from '../src/lib/live/reducer';
import { sceneClock, sceneNow } from '../src/lib/live/scene-clock';
import { alert, score } from './fixtures';

const at = (minute: number) => `2026-07-25T08:${String(minute).padStart(2, '0')}:00.000+08:00`;
const FLOOD = 'flood-typhoon';
const clock = { scene: at(0), real: at(0), speed: 1 };

function columns(id: string, minute: number, value: number, unchanged?: string) {
  const since = unchanged === undefined ? {} : { unchanged_since: [unchanged] };
  return {
    commit: 1,
    datastream: [id],
    time: [at(minute)],
    value: [value],
    quality: [1],
    ...since,
  };
}

test('a snapshot replaces everything that was there', () => {
  const data = emptyLiveData();
  reduce(data, { type: 'score', data: score('a', at(1)) });
  reduce(data, { type: 'latest', data: columns('x/p', 1, 5) });
  const snapshot = { scores: [score('b', at(2))], latest: columns('y/p', 2, 6), clock };
  expect(reduce(data, { type: 'snapshot', data: snapshot })).toEqual({
    scores: true,
    alerts: true,
    latest: true,
  });
  expect([...(data.scores.get(FLOOD)?.keys() ?? [])]).toEqual(['b']);
  expect([...data.latest.keys()]).toEqual(['y/p']);
  expect(data.isComplete).toBe(true);
});

test('a reader without rights to latest values gets a snapshot without them', () => {
  const data = emptyLiveData();
  reduce(data, { type: 'snapshot', data: { scores: [], clock } });
  expect([data.hasLatest, data.isComplete]).toEqual([false, true]);
});

test('after a reset nothing is complete until the next snapshot, but it stays readable', () => {
  const data = emptyLiveData();
  reduce(data, { type: 'snapshot', data: { scores: [score('a', at(1))], clock } });
  reduce(data, { type: 'reset' });
  expect([data.isComplete, data.scores.size]).toEqual([false, 1]);
  reduce(data, { type: 'snapshot', data: { scores: [score('a', at(2))], clock } });
  expect(data.isComplete).toBe(true);
});

test('a score of an earlier instant is no news', () => {
  const data = emptyLiveData();
  reduce(data, { type: 'score', data: score('a', at(5), { score: 50 }) });
  expect(reduce(data, { type: 'score', data: score('a', at(4)) }).scores).toBe(false);
  const shown = data.scores.get(FLOOD) ?? new Map<string, Score>();
  expect(shown.get('a')?.score).toBe(50);
  expect(reduce(data, { type: 'score', data: score('a', at(5), { score: 51 }) }).scores).toBe(true);
  expect(newestScoreTime(shown.values())).toBe(Date.parse(at(5)));
});

test('the indices are kept apart, and the county stands among the townships', () => {
  const data = emptyLiveData();
  const safety = score('a', at(1), { index: 'township-safety', score: 80 });
  const county = [score('330225', at(1), { score: 62 })];
  const snapshot = { scores: [score('a', at(1)), safety], county, clock };
  reduce(data, { type: 'snapshot', data: snapshot });
  reduce(data, { type: 'county', data: score('330225', at(2), { score: 63 }) });
  expect(data.scores.get('township-safety')?.get('a')?.score).toBe(80);
  expect(data.scores.get(FLOOD)?.get('330225')?.score).toBe(63);
});

test('an older word about an alert changes nothing, and a closed one is not opened again', () => {
  const data = emptyLiveData();
  reduce(data, { type: 'snapshot', data: { scores: [], alerts: [alert('x')], clock } });
  const closed = alert('x', { sequence: 3, phase: 'resolved' });
  expect(reduce(data, { type: 'alert', data: closed }).alerts).toBe(true);
  expect(reduce(data, { type: 'alert', data: alert('x', { sequence: 2 }) }).alerts).toBe(false);
  expect(data.alerts.get('x')?.phase).toBe('resolved');
});

test('however many alerts come, the page keeps a limited number, and all open ones', () => {
  const data = emptyLiveData();
  reduce(data, { type: 'alert', data: alert('open') });
  for (let n = 0; n < ALERTS_MAX + 50; n += 1) {
    reduce(data, { type: 'alert', data: alert(`c-${n}`, { phase: 'resolved' }) });
  }
  expect(data.alerts.size).toBe(ALERTS_MAX);
  expect(data.alerts.has('open')).toBe(true);
});

test('latest is the greatest event time, and a replaced value is taken', () => {
  const data = emptyLiveData();
  reduce(data, { type: 'latest', data: columns('x/p', 5, 1) });
  expect(reduce(data, { type: 'latest', data: columns('x/p', 4, 9) }).latest).toBe(false);
  expect(data.latest.get('x/p')?.value).toBe(1);
  expect(reduce(data, { type: 'latest', data: columns('x/p', 5, 2) }).latest).toBe(true);
  expect(data.latest.get('x/p')?.value).toBe(2);
});

test('unchanged since is carried on while the value stays, and begins anew with another', () => {
  const data = emptyLiveData();
  const snapshot = { scores: [], latest: columns('x/p', 5, 1, at(1)), clock };
  reduce(data, { type: 'snapshot', data: snapshot });
  reduce(data, { type: 'latest', data: columns('x/p', 6, 1) });
  expect(data.latest.get('x/p')?.unchangedSince).toBe(Date.parse(at(1)));
  reduce(data, { type: 'latest', data: columns('x/p', 7, 2) });
  expect(data.latest.get('x/p')?.unchangedSince).toBe(Date.parse(at(7)));
});

test('columns of unequal length or with broken times lose only the broken rows', () => {
  const data = emptyLiveData();
  const broken = {
    commit: 1,
    datastream: ['a/p', 'b/p', 'c/p'],
    time: [at(1), 'soon', at(1)],
    value: [1, 2],
    quality: [1, 1],
  };
  reduce(data, { type: 'latest', data: broken });
  expect([...data.latest.keys()]).toEqual(['a/p']);
});

const alive: Evidence = {
  isStreaming: true,
  hasData: true,
  now: 10_000,
  startedAt: 0,
  lastSignAt: 9_000,
  isUnreachable: false,
};

test.each<[Partial<Evidence>, string]>([
  [{}, 'live'],
  [{ isStreaming: false }, 'waiting'],
  [{ isStreaming: false, hasData: false }, 'connecting'],
  [{ isStreaming: false, isUnreachable: true }, 'lost'],
  [{ lastSignAt: 10_000 - LOST_AFTER_MS }, 'live'],
  [{ lastSignAt: 10_000 - LOST_AFTER_MS - 1 }, 'lost'],
  [{ lastSignAt: null, isStreaming: false, hasData: false, now: 1_000 }, 'connecting'],
  [{ lastSignAt: null, isStreaming: false, hasData: false }, 'lost'],
])('with %o the connection is %s', (fields, expected) => {
  expect(connectionState({ ...alive, ...fields })).toBe(expected);
});

test('a lost server shows within 5 s, and one probe that is late does not make it lost', () => {
  expect(LOST_AFTER_MS + 500).toBeLessThan(5_000);
  expect(PROBE_EVERY_MS + PROBE_TIMEOUT_MS).toBeLessThan(LOST_AFTER_MS);
});

test('an open stream that says nothing is silent', () => {
  expect(isSilent(SILENT_AFTER_MS, 0)).toBe(false);
  expect(isSilent(SILENT_AFTER_MS + 1, 0)).toBe(true);
});

test('an assessment is late by the scene, and in a fast scene by the real time too', () => {
  expect(isAssessmentLate(180_000, 1)).toBe(false);
  expect(isAssessmentLate(181_000, 1)).toBe(true);
  expect(isAssessmentLate(600_000, 60)).toBe(false);
  expect(isAssessmentLate(601_000, 60)).toBe(true);
});

test('the scene clock goes on at its speed', () => {
  const carried = sceneClock({ scene: at(0), real: at(0), speed: 60 }, 1_000);
  expect(carried && sceneNow(carried, 3_000)).toBe(Date.parse(at(2)));
  expect(sceneClock({ scene: 'never', real: '', speed: 1 }, 0)).toBeNull();
});
