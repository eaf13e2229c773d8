import { expect, test } from 'vitest';

import type { Bulletin } from '../src/lib/api/storms';
import type { Outlines, Ring } from '../src/lib/api/types';
import { clusters, type Placed } from '../src/lib/map/clusters';
import { Fleet, TAIL } from '../src/lib/map/fleet';
import { hitAt } from '../src/lib/map/hit';
import { placeLabels, textWidth } from '../src/lib/map/labels';
import { kilometre, screenX, screenY, toWorld, type Window } from '../src/lib/map/mercator';
import { boundsOf, shapeAt, shapesOf } from '../src/lib/map/shapes';
import { trackOf } from '../src/lib/map/storm';

const square = (west: number, south: number, side: number): Ring => [
  [west, south],
  [west + side, south],
  [west + side, south + side],
  [west, south + side],
  [west, south],
];

function collection(rings: Record<string, Ring[]>): Outlines {
  return {
    type: 'FeatureCollection',
    features: Object.entries(rings).map(([code, parts]) => ({
      type: 'Feature' as const,
      properties: { code },
      geometry: { type: 'MultiPolygon' as const, coordinates: parts.map((ring) => [ring]) },
    })),
  };
}

const WINDOW: Window = { size: 256 * 2 ** 9, left: 0, top: 0, width: 800, height: 600 };

test('north is up, and a label stands in the middle of the largest part', () => {
  const [north, south] = shapesOf(
    collection({ north: [square(0, 1, 1), square(5, 0, 0.1)], south: [square(0, 0, 1)] }),
  );
  expect(north && south && north.label.y < south.label.y).toBe(true);
  expect(north?.label.x).toBeCloseTo(toWorld(0.5, 1.5).x, 9);
  expect(north?.rings).toHaveLength(2);
});

test('a place is in the township around it, and at sea in none', () => {
  const shapes = shapesOf(collection({ a: [square(121, 29, 1)], b: [square(122, 29, 1)] }));
  expect(shapeAt(shapes, toWorld(121.5, 29.5))?.code).toBe('a');
  expect(shapeAt(shapes, toWorld(122.5, 29.5))?.code).toBe('b');
  expect(shapeAt(shapes, toWorld(125, 29.5))).toBeNull();
});

test('the bounds hold all outlines, and without any there are none', () => {
  const bounds = boundsOf(collection({ a: [square(121, 29, 1)], b: [square(122, 28, 1)] }));
  expect(bounds).toEqual({ west: 121, south: 28, east: 123, north: 30 });
  expect(boundsOf({ type: 'FeatureCollection', features: [] })).toBeNull();
});

test('a kilometre is as long as the projection stretches it', () => {
  const [here, there] = [toWorld(122, 29.5), toWorld(122, 29.5 + 1 / 111.2)];
  expect(here.y - there.y).toBeCloseTo(kilometre(29.5), 7);
  expect(toWorld(0, 0)).toEqual({ x: 0.5, y: 0.5 });
});

const placed = (id: string, lon: number, lat: number, level: Placed['level'] = 'none'): Placed => {
  return { ...toWorld(lon, lat), id, kind: 'shelter', level };
};

test('what lies close together is one, with the worst level of its things', () => {
  const things = [placed('a', 121.9, 29.2), placed('b', 121.9001, 29.2001, 'red')];
  const far = placed('c', 122.4, 29.9, 'blue');
  const found = clusters([...things, far], WINDOW.size);
  expect(found.map((each) => [each.things.length, each.level])).toEqual([
    [2, 'red'],
    [1, 'blue'],
  ]);
  expect(clusters(things, 256 * 2 ** 20)).toHaveLength(2);
});

test('a vessel draws a tail of its last places, and noise is no movement', () => {
  const fleet = new Fleet(['a', 'b']);
  expect(fleet.put(0, 122, 29, 90)).toBe(true);
  expect(fleet.put(0, 122.00001, 29, 91)).toBe(false);
  for (let n = 1; n <= TAIL + 3; n += 1) expect(fleet.put(0, 122 + n / 100, 29, 90)).toBe(true);
  expect(fleet.n[0]).toBe(TAIL);
  expect(fleet.tailX[0]).toBeCloseTo(toWorld(122 + (TAIL + 2) / 100, 29).x, 12);
  expect([fleet.n[1], Number.isNaN(fleet.x[1] ?? 0)]).toEqual([0, true]);
});

test('under a pointer a thing comes before the township it stands in', () => {
  const shapes = shapesOf(collection({ a: [square(121, 29, 1)] }));
  const thing = placed('sh-001', 121.5, 29.5);
  const fleet = new Fleet(['fv-001', 'fv-002']);
  fleet.put(0, 121.2, 29.2, null);
  const scene = { shapes, clusters: clusters([thing], WINDOW.size), fleet };
  const at = (lon: number, lat: number) => {
    const place = toWorld(lon, lat);
    return { x: screenX(WINDOW, place.x), y: screenY(WINDOW, place.y) };
  };
  expect(hitAt(scene, WINDOW, at(121.5, 29.5))).toEqual({ kind: 'thing', id: 'sh-001' });
  expect(hitAt(scene, WINDOW, at(121.2, 29.2))).toEqual({ kind: 'thing', id: 'fv-001' });
  expect(hitAt(scene, WINDOW, at(121.8, 29.8))).toEqual({ kind: 'township', code: 'a' });
  expect(hitAt(scene, WINDOW, at(125, 29.8))).toBeNull();
});

test('of a storm the newest bulletin known by now is drawn, with circles where there are any', () => {
  const fix = { pressure_hpa: null, wind_mps: null, force10_km: null, force12_km: null };
  const bulletin = (id: string, issued: string): Bulletin => ({
    id,
    storm: 's',
    agency: 'JMA',
    issued,
    is_final: false,
    observed: [{ ...fix, time: issued, position: [123, 28], force7_km: 300 }],
    forecast: [{ ...fix, time: '2026-07-26T08:00:00Z', position: [122, 29], force7_km: null }],
  });
  const all = [bulletin('new', '2026-07-25T06:00:00Z'), bulletin('old', '2026-07-25T00:00:00Z')];
  const track = trackOf(all, 'Haikui', Date.parse('2026-07-25T03:00:00Z'));
  expect([track?.key, track?.observed[0]?.circles.map(({ force }) => force)]).toEqual(['old', [7]]);
  expect(trackOf(all, 'Haikui', Date.parse('2026-07-25T07:00:00Z'))?.key).toBe('new');
  expect(trackOf(all, 'Haikui', 0)).toBeNull();
});

test('labels that would cover each other are moved apart', () => {
  const labels = ['丹东街道', '丹西街道', '爵溪'].map((text, index) => {
    return { key: text, text, x: 100 + index, y: 50 };
  });
  const ys = placeLabels(labels).map((label) => label.y);
  expect(new Set(ys).size).toBe(3);
  expect(textWidth('丹东')).toBeGreaterThan(textWidth('ab'));
});
