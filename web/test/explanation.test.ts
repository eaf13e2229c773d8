import { expect, test } from 'vitest';

import type { ScoreNode } from '../src/lib/api/types';
import { explain, largestGap, sumOf, type Names } from '../src/lib/domain/explanation';
import { node, station } from './fixtures';

const names: Names = {
  node: (id) => ({ wind: '风', wind_speed: '风速' })[id] ?? null,
  thing: (id) => (id === 'hm-001' ? '石浦站' : null),
};

/** The parts of an index that has only these. */
const explained = (...parts: ScoreNode[]) => explain(node('b', { kind: 'index', parts }), names);

const quantity = node('wind_speed', {
  aggregation: 'maximum',
  score: 75,
  contribution: 75,
  state: 'known',
  parts: [station('hm-001/wind_speed', 75, 75), station('hm-002/wind_speed', 20, 0)],
});
const wind = node('wind', {
  kind: 'group',
  aggregation: 'maximum',
  score: 75,
  contribution: 75,
  state: 'known',
  parts: [quantity],
});

test('groups, quantities and stations are named, or keep their ids', () => {
  const [group] = explained(wind);
  const [speed] = group?.parts ?? [];
  const stations = speed?.parts ?? [];
  expect([group?.role, group?.label]).toEqual(['group', '风']);
  expect([speed?.role, speed?.label]).toEqual(['quantity', '风速']);
  expect(stations.map((each) => [each.role, each.label, each.thing])).toEqual([
    ['station', '石浦站', 'hm-001'],
    ['station', 'hm-002/wind_speed', 'hm-002'],
  ]);
  expect(explained(node('tide', { kind: 'group' }))[0]?.label).toBe('tide');
});

test('a quantity shows the raw value of the station that speaks for it', () => {
  const [group] = explained(wind);
  expect(group?.raw).toEqual(group?.parts[0]?.raw);
  expect(group?.parts[0]?.raw).toEqual({
    value: 24.5,
    unit: 'm/s',
    time: Date.parse('2026-07-25T08:10:00+08:00'),
    quality: 'pass',
    things: ['hm-001'],
  });
});

test('when all stations score nothing, the first of them speaks', () => {
  const calm = { ...quantity, score: 0, contribution: 0 };
  const parts = [station('hm-001/wind_speed', 0, 0), station('hm-002/wind_speed', 0, 0)];
  expect(explained({ ...calm, parts })[0]?.raw?.value).toBe(24.5);
});

test('what is unknown has no number', () => {
  const unknown = node('rain_flood', { kind: 'group', parts: [node('water_level')] });
  const [none] = explained(unknown);
  expect(none).toMatchObject({ score: null, contribution: null, share: null, raw: null });
  expect(none?.parts[0]).toMatchObject({ score: null, state: 'unknown', raw: null });
});

test('an uncoloured station does not speak for an unknown quantity', () => {
  const gauge = station('hm-001/water_level', 0, 0);
  const uncoloured = { ...gauge, score: null, contribution: null, state: 'unknown' as const };
  const level = node('water_level', { aggregation: 'maximum', parts: [uncoloured] });
  const [shown] = explained(level);
  expect(shown?.raw).toBeNull();
  expect(shown?.parts[0]?.raw?.value).toBe(24.5);
});

test('the part that adds most leads, and a cap has no share', () => {
  const parts = [
    node('wind', { kind: 'group', score: 80, contribution: 60 }),
    node('tide', { kind: 'group', score: 30, contribution: 20 }),
    node('red_unacknowledged', { kind: 'cap', score: 70, contribution: -10 }),
  ];
  const shown = explain(node('a', { kind: 'index', score: 70, parts }), names);
  expect(shown.map((part) => part.isLeading)).toEqual([true, false, false]);
  expect(shown.map((part) => part.share)).toEqual([60 / 70, 20 / 70, null]);
});

test('a station that speaks twice has two keys', () => {
  const id = 'hm-001/wind_speed';
  const parts = [station(id, 40, 0), station(id, 75, 75)];
  const [shown] = explained(node('wind_speed', { aggregation: 'maximum', score: 75, parts }));
  expect(new Set(shown?.parts.map((part) => part.key)).size).toBe(2);
});

test('the parts add up, or the largest difference is told', () => {
  const parts = [node('x', { contribution: 60 }), node('y', { contribution: 20 }), node('z')];
  const inner = node('hazard', { score: 80, contribution: 80, parts });
  expect(sumOf(parts)).toBe(80);
  expect(sumOf([node('z')])).toBeNull();
  expect(largestGap(node('b', { score: 80, parts: [inner] }))).toBe(0);
  expect(largestGap(node('b', { score: 80, parts: [{ ...inner, score: 79.5 }] }))).toBe(0.5);
});
