import { expect, test } from 'vitest';

import { explain, type Names } from '../src/lib/domain/explanation';
import { BOUNDS, node, station } from './fixtures';

const names: Names = {
  group: (id) => (id === 'wind' ? '风' : null),
  quantity: (id) => (id === 'wind_speed' ? '风速' : null),
  thing: (id) => (id === 'hm-001' ? '石浦站' : null),
};

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
  const [group] = explain([wind], BOUNDS, names);
  const [speed] = group?.parts ?? [];
  const stations = speed?.parts ?? [];
  expect([group?.role, group?.label]).toEqual(['group', '风']);
  expect([speed?.role, speed?.label]).toEqual(['quantity', '风速']);
  expect(stations.map((each) => [each.role, each.label, each.thing])).toEqual([
    ['station', '石浦站', 'hm-001'],
    ['station', 'hm-002/wind_speed', 'hm-002'],
  ]);
  expect(explain([node('tide', { kind: 'group' })], BOUNDS, names)[0]?.label).toBe('tide');
});

test('a quantity shows the raw value of the station that speaks for it', () => {
  const [group] = explain([wind], BOUNDS, names);
  expect(group?.raw).toBeNull();
  expect(group?.parts[0]?.raw).toEqual({
    value: 24.5,
    unit: 'm/s',
    time: Date.parse('2026-07-25T08:10:00+08:00'),
    quality: 'pass',
  });
});

test('when all stations score nothing, the first of them speaks', () => {
  const calm = { ...quantity, score: 0, contribution: 0 };
  const parts = [station('hm-001/wind_speed', 0, 0), station('hm-002/wind_speed', 0, 0)];
  expect(explain([{ ...calm, parts }], BOUNDS, names)[0]?.raw?.value).toBe(24.5);
});

test('levels follow the scores, what is unknown has none and no number', () => {
  const unknown = node('rain_flood', { kind: 'group', parts: [node('water_level')] });
  const [group, none] = explain([wind, unknown], BOUNDS, names);
  expect(group?.level).toBe('orange');
  expect(none).toMatchObject({ score: null, level: null, contribution: null, raw: null });
  expect(none?.parts[0]).toMatchObject({ score: null, level: null, state: 'unknown', raw: null });
});

test('an uncoloured station does not speak for an unknown quantity', () => {
  const gauge = station('hm-001/water_level', 0, 0);
  const uncoloured = { ...gauge, score: null, contribution: null, state: 'unknown' as const };
  const level = node('water_level', { aggregation: 'maximum', parts: [uncoloured] });
  const [shown] = explain([level], BOUNDS, names);
  expect(shown?.raw).toBeNull();
  expect(shown?.parts[0]?.raw?.value).toBe(24.5);
});
