import { expect, test } from 'vitest';

import type { Outlines, Ring } from '../src/lib/api/types';
import { placeLabels, textWidth } from '../src/lib/map/labels';
import { drawOutlines } from '../src/lib/map/outline';

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

test('north is up, and a label stands in the middle of the largest part', () => {
  const drawing = drawOutlines(
    collection({ north: [square(0, 1, 1), square(5, 0, 0.1)], south: [square(0, 0, 1)] }),
  );
  const [north, south] = drawing?.outlines ?? [];
  expect(north && south && north.label.y < south.label.y).toBe(true);
  expect(north?.label.x).toBeCloseTo(south?.label.x ?? 0, 6);
  expect(north?.path.match(/Z/g)).toHaveLength(2);
});

test('without outlines there is no drawing', () => {
  expect(drawOutlines({ type: 'FeatureCollection', features: [] })).toBeNull();
});

test('labels that would cover each other are moved apart', () => {
  const labels = ['丹东街道', '丹西街道', '爵溪'].map((text, index) => {
    return { key: text, text, x: 100 + index, y: 50 };
  });
  const ys = placeLabels(labels).map((label) => label.y);
  expect(new Set(ys).size).toBe(3);
  expect(textWidth('丹东')).toBeGreaterThan(textWidth('ab'));
});
