import { expect, test } from 'vitest';

import type { RecallOrder } from '../src/lib/api/types';
import { filterAlerts, worstByThing } from '../src/lib/domain/alerts';
import { deadlineAt } from '../src/lib/domain/recall';
import { mainDatastream, sectionsOf } from '../src/lib/domain/thing-state';
import { waterfall } from '../src/lib/domain/waterfall';
import { alert, node, thing } from './fixtures';

const NAMES = { node: () => null, thing: () => null };

test('parts of a dimension stand for it, scaled to what it adds, and reach the total', () => {
  const hazard = node('hazard', {
    kind: 'dimension',
    score: 80,
    contribution: 40,
    parts: [node('wind', { contribution: 60 }), node('tide', { contribution: 20 })],
  });
  const exposure = node('exposure', { kind: 'dimension', score: 20, contribution: 5 });
  const cap = node('cap', { kind: 'cap', contribution: -3 });
  const tree = node('index', { score: 42, parts: [hazard, exposure, cap] });
  const { steps, total } = waterfall(tree, NAMES);
  expect(steps.map(({ label, points }) => [label, points])).toEqual([
    ['wind', 30],
    ['tide', 10],
    ['exposure', 5],
    ['cap', -3],
  ]);
  expect(steps.map(({ from, to }) => [from, to])).toEqual([
    [0, 30],
    [30, 40],
    [40, 45],
    [45, 42],
  ]);
  expect(total).toBe(42);
});

test('a dimension whose parts do not explain it stands for itself', () => {
  const parts = [node('wind', { contribution: 1 }), node('tide', { contribution: 0 })];
  const hazard = node('hazard', { score: 80, contribution: 40, parts });
  const { steps, nothing } = waterfall(
    node('index', { score: 40, parts: [hazard, node('rest', { contribution: 0 })] }),
    NAMES,
  );
  expect(steps.map(({ label }) => label)).toEqual(['hazard']);
  expect(nothing).toBe(1);
});

test('every datastream of a thing is in one section, in the order of its kind', () => {
  const properties = ['battery_voltage', 'quilt_stock', 'occupancy', 'unheard_of'];
  const sections = sectionsOf(thing('sh-001', 'shelter', properties));
  expect(sections.map(({ key }) => key)).toEqual(['people', 'supplies', 'power', 'other']);
  const placed = sections.flatMap(({ datastreams }) => datastreams.map((each) => each.property));
  expect([...placed].sort()).toEqual([...properties].sort());
  expect(mainDatastream(thing('sh-001', 'shelter', properties))?.property).toBe('occupancy');
  expect(mainDatastream(thing('gw-001', 'gateway', []))).toBeNull();
});

function order(id: string, bands: [number, number, string][]): RecallOrder {
  return {
    id,
    issuer: id,
    issued: '2026-07-25T00:00:00Z',
    valid_from: '2026-07-25T00:00:00Z',
    valid_until: null,
    cancelled: null,
    bands: bands.map(([lat_min, lat_max, deadline]) => ({ lat_min, lat_max, deadline })),
  };
}

test('a vessel has the earliest deadline of the bands that hold its latitude', () => {
  const orders = [
    order('a', [
      [15, 29, '2026-07-26T00:00:00Z'],
      [29, 42, '2026-07-26T12:00:00Z'],
    ]),
    order('b', [[28, 31, '2026-07-26T06:00:00Z']]),
  ];
  const at = (latitude: number, now = '2026-07-25T12:00:00Z') =>
    deadlineAt(orders, latitude, Date.parse(now))?.order.id ?? null;
  expect([at(28.99), at(29), at(40), at(50)]).toEqual(['a', 'b', 'a', null]);
  expect(at(29, '2026-07-24T00:00:00Z')).toBeNull();
});

test('a thing is as bad as the worst of its open alerts', () => {
  const alerts = [
    alert('1', { thing: 'a', level: 'yellow' }),
    alert('2', { thing: 'a', level: 'red' }),
    alert('3', { thing: 'b', level: 'blue' }),
  ];
  expect([...worstByThing(alerts)]).toEqual([
    ['a', 'red'],
    ['b', 'blue'],
  ]);
  const found = filterAlerts(alerts, { level: 'yellow', thing: 'a', class: '', township: '' });
  expect(found.map(({ id }) => id)).toEqual(['1', '2']);
});
