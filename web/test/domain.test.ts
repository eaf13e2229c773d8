import { expect, test } from 'vitest';

import { isLongUnchanged, isOverdue } from '../src/lib/domain/freshness';
import { levelOf, levelRanges } from '../src/lib/domain/level';
import { qualityFlag } from '../src/lib/domain/quality';
import {
  datastreamRows,
  filterRows,
  NO_FILTER,
  pageOf,
  ROWS_PER_PAGE,
} from '../src/lib/domain/rows';
import { BOUNDS, thing } from './fixtures';

test.each([
  [null, null],
  [0, 'none'],
  [39.99, 'none'],
  [40, 'blue'],
  [60 - 1e-10, 'yellow'],
  [74.999, 'yellow'],
  [75, 'orange'],
  [89.96, 'orange'],
  [90, 'red'],
  [100, 'red'],
])('a score of %s is %s', (given, expected) => {
  expect(levelOf(given, BOUNDS)).toBe(expected);
});

test('without bounds no level is told', () => {
  expect(levelOf(95, [])).toBeNull();
});

test('the ranges of the legend follow the bounds of the model, in any order', () => {
  expect(levelRanges([...BOUNDS].reverse())).toEqual([
    { level: 'none', from: null, below: 40 },
    { level: 'blue', from: 40, below: 60 },
    { level: 'yellow', from: 60, below: 75 },
    { level: 'orange', from: 75, below: 90 },
    { level: 'red', from: 90, below: null },
  ]);
});

test('a flag is a code or a word, and never better than it was sent', () => {
  expect([1, 2, 3, 4, 9].map(qualityFlag)).toEqual([
    'pass',
    'not_evaluated',
    'suspect',
    'fail',
    'missing',
  ]);
  expect(qualityFlag('suspect')).toBe('suspect');
  expect(qualityFlag(7)).toBe('not_evaluated');
  expect(qualityFlag('splendid')).toBe('not_evaluated');
});

test('rows are found by township, kind and any words, in both languages', () => {
  const things = [
    thing('hm-001', 'hydromet_station', ['wind_speed', 'water_level']),
    thing('sh-001', 'shelter', ['occupancy']),
  ];
  const wind = { zh: '风速', en: 'Wind speed' };
  const property = { id: 'wind_speed', name: wind, unit: 'm/s', kinds: [], period_s: 600 };
  const properties = new Map([['wind_speed', { ...property, computed: false }]]);
  const rows = datastreamRows(things, properties, new Map());
  const find = (filter: Partial<typeof NO_FILTER>) =>
    filterRows(rows, { ...NO_FILTER, ...filter }).map((row) => row.id);

  expect(find({})).toHaveLength(3);
  expect(find({ kind: 'shelter' })).toEqual(['sh-001/occupancy']);
  expect(find({ text: '风速' })).toEqual(['hm-001/wind_speed']);
  expect(find({ text: 'SPEED hm-0' })).toEqual(['hm-001/wind_speed']);
  expect(find({ township: '330225999' })).toEqual([]);
});

test('never more than a page of rows, and the page is always one there is', () => {
  const items = Array.from({ length: 5001 }, (_, index) => index);
  expect(ROWS_PER_PAGE).toBeLessThanOrEqual(100);
  expect(pageOf(items, 0).items).toHaveLength(ROWS_PER_PAGE);
  expect(pageOf(items, 9999)).toMatchObject({ index: 100, pages: 101, items: [5000] });
  expect(pageOf([], 3)).toMatchObject({ index: 0, pages: 1, items: [] });
});

test('a value is overdue after three periods; an event never is', () => {
  expect(isOverdue(1_800_000, 600)).toBe(false);
  expect(isOverdue(1_800_001, 600)).toBe(true);
  expect(isOverdue(1e12, null)).toBe(false);
});

test('unchanged is worth a word after twelve periods and an hour', () => {
  expect(isLongUnchanged(3_600_000, 60)).toBe(false);
  expect(isLongUnchanged(3_600_001, 60)).toBe(true);
  expect(isLongUnchanged(7_200_000, 600)).toBe(false);
  expect(isLongUnchanged(7_200_001, 600)).toBe(true);
  expect(isLongUnchanged(1e12, null)).toBe(false);
});
