import { expect, test } from 'vitest';

import { takeScore } from '../src/lib/api/score';
import {
  inHeldOrder,
  levelCounts,
  shownBy,
  townshipRows,
  type TownshipOrder,
} from '../src/lib/domain/townships';
import { trendOf } from '../src/lib/domain/trend';
import { HISTORY_MS, historyKey, record, type History } from '../src/lib/live/history';
import { score, township } from './fixtures';

const AT = '2026-07-25T08:15:00+08:00';
const NOW = Date.parse(AT);
const TOWNSHIPS = ['1', '2', '3', '4', '5'].map(township);
const FLOOD = new Map([
  ['1', score('1', AT, { score: 63, displayed_level: 'blue', attention: 4 })],
  ['2', score('2', AT, { score: 61, displayed_level: 'yellow', attention: 1 })],
  ['3', score('3', AT, { score: 20, displayed_level: 'none', attention: 5 })],
  ['4', score('4', AT, { score: 59, displayed_level: 'blue', attention: 3 })],
]);
const SAFETY = new Map([
  ['1', score('1', AT, { score: 70 })],
  ['5', score('5', AT, { score: 55 })],
]);

test.each<[TownshipOrder, string]>([
  ['attention', '24135'],
  ['flood', '12435'],
  ['safety', '51234'],
  ['code', '12345'],
])('by %s the townships stand as %s, each of them once', (order, expected) => {
  const rows = townshipRows(TOWNSHIPS, FLOOD, SAFETY, order);
  expect(rows.map((row) => row.township.code).join('')).toBe(expected);
});

test('two that claim one rank for a moment: lives decide, then the score', () => {
  const same = { displayed_level: 'red' as const, attention: 1 };
  const flood = new Map([
    ['1', score('1', AT, { ...same, score: 95 })],
    ['2', score('2', AT, { ...same, score: 91, n_life_alarms: 1 })],
    ['3', score('3', AT, { ...same, score: 97 })],
  ]);
  const rows = townshipRows(TOWNSHIPS.slice(0, 3), flood, new Map(), 'attention');
  expect(rows.map((row) => row.township.code).join('')).toBe('231');
});

test('townships are counted by the level that is displayed, those without data too', () => {
  const counts = levelCounts(townshipRows(TOWNSHIPS, FLOOD, SAFETY, 'code'));
  expect(counts.map(({ level, n }) => [level, n])).toEqual([
    ['red', 0],
    ['orange', 0],
    ['yellow', 1],
    ['blue', 2],
    ['none', 1],
    [null, 1],
  ]);
});

test('of a grey score the level shown is that of the hazard', () => {
  expect(shownBy(score('1', AT))).toBe('assessed');
  expect(shownBy(score('1', AT, { grey: true, level: null }))).toBe('hazard');
  expect(shownBy(score('1', AT, { grey: true, displayed_by: 'official' }))).toBe('official');
  expect(shownBy(null)).toBeNull();
});

test('while somebody points at the list its order stays', () => {
  const rows = townshipRows(TOWNSHIPS, FLOOD, SAFETY, 'attention');
  const codes = (held: string[] | null) =>
    inHeldOrder(rows, held)
      .map((row) => row.township.code)
      .join('');
  expect(codes(null)).toBe('24135');
  expect(codes(['5', '4', '3', '2'])).toBe('54321');
});

test('what a score does not have is null, and what is no score is none', () => {
  const wire = { index: 'township-safety', township: '330225101', time: AT, score: 81.2 };
  expect(takeScore(wire)).toMatchObject({
    score: 81.2,
    level: null,
    displayed_level: null,
    attention: null,
    n_unmoved: 0,
    drivers: null,
  });
  expect(takeScore({ ...wire, level: 'purple', caps: [{ id: 'x' }, 7] })).toMatchObject({
    level: null,
    caps: [{ id: 'x', since: null, expires: null }],
  });
  expect(takeScore({ township: '1' })).toBeNull();
  expect(takeScore(null)).toBeNull();
});

function historyOf(samples: [minutesAgo: number, score: number][]): History {
  const history: History = new Map();
  for (const [minutesAgo, value] of samples) {
    const time = new Date(NOW - minutesAgo * 60_000).toISOString();
    record(history, score('1', time, { score: value }));
  }
  return history;
}

const KEY = historyKey('flood-typhoon', '1');

test.each<[string, [number, number][], number, number, string | null]>([
  ['rises', [[60, 50]], 58, 0.9, 'up'],
  ['falls', [[60, 50]], 41, 0.9, 'down'],
  ['is steady below one point', [[60, 50]], 50.9, 0.9, 'steady'],
  ['is told from half an hour on', [[30, 50]], 58, 0.9, 'up'],
  ['is not told of a few minutes', [[29, 50]], 58, 0.9, null],
  ['is not told without confidence', [[60, 50]], 58, 0.69, null],
  ['is told at the bound of confidence', [[60, 50]], 58, 0.7, 'up'],
  ['begins with what held an hour ago', [[90, 20], [70, 50], [20, 99]], 50, 0.9, 'steady'], // prettier-ignore
])('the trend %s', (_name, past, value, confidence, expected) => {
  const now = score('1', AT, { score: value, confidence });
  expect(trendOf(now, historyOf(past).get(KEY), NOW)?.direction ?? null).toBe(expected);
});

test('the past may be read after the present, and little of it is kept', () => {
  const history = historyOf([[0, 58], [60, 50]]); // prettier-ignore
  expect(history.get(KEY)?.map((sample) => sample.score)).toEqual([50, 58]);
  const long = historyOf(Array.from({ length: 600 }, (_, index) => [600 - index, index]));
  const samples = long.get(KEY) ?? [];
  expect(samples.length).toBeLessThan(35);
  expect(samples[1]?.time).toBeGreaterThan(NOW - HISTORY_MS - 180_000);
});
