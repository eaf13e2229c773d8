/** Outlines in longitude and latitude as paths of an SVG drawing, nothing to load. */

import type { OutlineGeometry, Outlines, Ring } from '../api/types';

export type Outline = { code: string; path: string; label: { x: number; y: number } };
export type Drawing = { width: number; height: number; outlines: Outline[] };

const WIDTH = 400;
const MARGIN = 6;

/** Equirectangular, true to scale at the middle latitude: good enough for one county. */
export function drawOutlines(outlines: Outlines): Drawing | null {
  const points = outlines.features.flatMap((feature) => rings(feature.geometry).flat());
  if (points.length === 0) return null;
  const west = least(points, 0);
  const south = least(points, 1);
  const north = -least(
    points.map(([x, y]) => [x, -y] as [number, number]),
    1,
  );
  const east = -least(
    points.map(([x, y]) => [-x, y] as [number, number]),
    0,
  );
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = (WIDTH - 2 * MARGIN) / Math.max((east - west) * squeeze, 1e-6);
  const project = ([lon, lat]: [number, number]): [number, number] => [
    MARGIN + (lon - west) * squeeze * scale,
    MARGIN + (north - lat) * scale,
  ];

  return {
    width: WIDTH,
    height: Math.ceil((north - south) * scale + 2 * MARGIN),
    outlines: outlines.features.map((feature) => {
      const drawn = rings(feature.geometry).map((ring) => ring.map(project));
      return {
        code: feature.properties.code,
        path: drawn.map(ringPath).join(''),
        label: centre(largest(drawn)),
      };
    }),
  };
}

function rings(geometry: OutlineGeometry): Ring[] {
  return geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
}

function least(points: [number, number][], axis: 0 | 1): number {
  return points.reduce((found, point) => Math.min(found, point[axis]), Number.POSITIVE_INFINITY);
}

function ringPath(ring: Ring): string {
  return `M${ring.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`;
}

function largest(drawn: Ring[]): Ring {
  let found = drawn[0] ?? [];
  for (const ring of drawn) {
    if (Math.abs(signedArea(ring)) > Math.abs(signedArea(found))) found = ring;
  }
  return found;
}

function edges(ring: Ring): { from: [number, number]; to: [number, number]; cross: number }[] {
  return ring.map((from, index) => {
    const to = ring[(index + 1) % ring.length] ?? from;
    return { from, to, cross: from[0] * to[1] - to[0] * from[1] };
  });
}

function signedArea(ring: Ring): number {
  return edges(ring).reduce((sum, edge) => sum + edge.cross, 0) / 2;
}

/** The centroid of a ring; of one without area its first point. */
function centre(ring: Ring): { x: number; y: number } {
  const area = signedArea(ring);
  if (Math.abs(area) < 1e-9) return { x: ring[0]?.[0] ?? 0, y: ring[0]?.[1] ?? 0 };
  let x = 0;
  let y = 0;
  for (const { from, to, cross } of edges(ring)) {
    x += (from[0] + to[0]) * cross;
    y += (from[1] + to[1]) * cross;
  }
  return { x: x / (6 * area), y: y / (6 * area) };
}
