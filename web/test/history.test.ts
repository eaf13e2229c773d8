import { expect, test } from 'vitest';

import { axisOf, axisUnits, summarise, valueAt, withGaps } from '../src/lib/chart/lines';
import {
  fromField,
  parseSources,
  parseSpan,
  SOURCES_MAX,
  toCsv,
  toField,
  windowsOf,
} from '../src/lib/domain/history-query';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-07-25T08:00:00+08:00');
const line = (times: number[], values: (number | null)[]) => {
  return { key: 'x', label: 'x', unit: 'm', times, values };
};

test('an address names datastreams and scores, each once, and nothing else', () => {
  const s = 'hm-001/wind_speed,score:flood-typhoon:330225101,hm-001/wind_speed,../x,score::1';
  expect(parseSources({ s }).map((source) => source.key)).toEqual([
    'hm-001/wind_speed',
    'score:flood-typhoon:330225101',
  ]);
  const many = Array.from({ length: 20 }, (_, n) => `hm-${n}/tide_level`).join(',');
  expect(parseSources({ s: many })).toHaveLength(SOURCES_MAX);
});

test('a span is fixed where both of its ends are, else it is the last hours', () => {
  const fixed = { from: '2026-07-01T00:00:00+08:00', to: '2026-07-02T00:00:00+08:00' };
  expect(parseSpan(fixed, NOW)).toMatchObject({ to: Date.parse(fixed.to), hours: null });
  expect(parseSpan({ from: fixed.to, to: fixed.from }, NOW).hours).toBe(24);
  expect(parseSpan({ hours: '6' }, NOW)).toEqual({ from: NOW - 6 * HOUR, to: NOW, hours: 6 });
  expect(parseSpan({ hours: '999999' }, NOW).hours).toBe(24 * 366);
});

test.each([
  [24, null],
  [24 * 7, '10min'],
  [24 * 90, '1h'],
  [24 * 366, '1d'],
])('%i hours are drawn in steps of %s', (hours, every) => {
  const span = { from: NOW - hours * HOUR, to: NOW };
  expect(windowsOf({}, span)?.every ?? null).toBe(every);
});

test('who wants single readings gets them, and a step is taken as it is', () => {
  const span = { from: 0, to: NOW };
  expect(windowsOf({ step: 'raw' }, span)).toBeNull();
  expect(windowsOf({ step: '1h', agg: 'max' }, span)).toEqual({ every: '1h', aggregate: 'max' });
  expect(windowsOf({ step: '1h', agg: 'else' }, span)?.aggregate).toBe('mean');
});

test('fields of date and time are of Asia/Shanghai, whatever the zone of the machine', () => {
  expect(toField(NOW)).toBe('2026-07-25T08:00');
  expect(Date.parse(fromField('2026-07-25T08:00') ?? '')).toBe(NOW);
  expect(fromField('')).toBeNull();
});

test('cells that a spreadsheet would run are made harmless, numbers stay numbers', () => {
  expect(toCsv(['a'], [['=1+1'], ['-3.5'], ['x,"y"']])).toBe(
    'a\r\n\'=1+1\r\n-3.5\r\n"x,""y"""\r\n',
  );
});

test('silence breaks a line', () => {
  const broken = withGaps(line([0, 10, 100], [1, 2, 3]), 30);
  expect(broken.values).toEqual([1, 2, null, 3]);
  expect(withGaps(line([0, 10], [1, 2]), 30).values).toEqual([1, 2]);
});

test('the value that held is the newest not after the instant', () => {
  const held = line([10, 20, 30], [1, null, 3]);
  expect([5, 10, 19, 25, 99].map((time) => valueAt(held, time))).toEqual([null, 1, 1, null, 3]);
});

test('a line is told in its newest, least and most', () => {
  expect(summarise(line([1, 2, 3, 4], [5, 9, 2, null]))).toMatchObject({
    last: 2,
    lastTime: 3,
    least: 2,
    most: 9,
    mostTime: 2,
    n: 3,
  });
  expect(summarise(line([], [])).last).toBeNull();
});

test('beyond four units the last axis is shared', () => {
  const units = axisUnits(['a', 'b', 'a', 'c', 'd', 'e'].map((unit) => ({ unit })));
  expect(units).toEqual(['a', 'b', 'c', 'd']);
  expect(axisOf('e', units)).toBe('d');
});
