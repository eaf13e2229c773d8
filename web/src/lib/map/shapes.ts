/** Townships as rings of the map's world, with the place where each is named. */

import type { LevelName, Outlines, Ring } from '../api/types';
import { toWorld, type World } from './mercator';

export type Shape = { code: string; rings: World[][]; label: World };

/** What a township looks like now. */
export type Cell = {
  code: string;
  name: string;
  /** The level that fills it, its key among the colours and its word. */
  level: LevelName | 'unknown' | 'grey';
  word: string;
  /** What sensors alone say, drawn inside; null where nothing is to be said. */
  sensed: { level: LevelName; word: string } | null;
  isUnverified: boolean;
  isProvisional: boolean;
  isOpen: boolean;
};

export function shapesOf(outlines: Outlines): Shape[] {
  return outlines.features.map(({ properties, geometry }) => {
    const rings: Ring[] =
      geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
    const drawn = rings.map((ring) => ring.map(([lon, lat]) => toWorld(lon, lat)));
    return { code: properties.code, rings: drawn, label: centre(largest(drawn)) };
  });
}

export type Bounds = { west: number; south: number; east: number; north: number };

export function boundsOf(outlines: Outlines): Bounds | null {
  const found = { west: 180, south: 90, east: -180, north: -90 };
  for (const { geometry } of outlines.features) {
    const rings: Ring[] =
      geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
    for (const [lon, lat] of rings.flat()) {
      found.west = Math.min(found.west, lon);
      found.east = Math.max(found.east, lon);
      found.south = Math.min(found.south, lat);
      found.north = Math.max(found.north, lat);
    }
  }
  return found.west < found.east ? found : null;
}

/** The township at a place, or null at sea. Holes do not occur: the even number of crossings decides. */
export function shapeAt(shapes: readonly Shape[], place: World): Shape | null {
  return shapes.find((shape) => shape.rings.some((ring) => isInside(ring, place))) ?? null;
}

function isInside(ring: readonly World[], { x, y }: World): boolean {
  let inside = false;
  ring.forEach((to, index) => {
    const from = ring[(index + ring.length - 1) % ring.length] ?? to;
    const crosses = to.y > y !== from.y > y;
    if (crosses && x < ((from.x - to.x) * (y - to.y)) / (from.y - to.y) + to.x) inside = !inside;
  });
  return inside;
}

function signedArea(ring: readonly World[]): number {
  return ring.reduce((sum, from, index) => {
    const to = ring[(index + 1) % ring.length] ?? from;
    return sum + (from.x * to.y - to.x * from.y) / 2;
  }, 0);
}

function largest(rings: readonly World[][]): World[] {
  return rings.reduce<World[]>((found, ring) => {
    return Math.abs(signedArea(ring)) > Math.abs(signedArea(found)) ? ring : found;
  }, []);
}

/** The centroid of a ring; of one without area its first point. */
function centre(ring: readonly World[]): World {
  const origin = ring[0] ?? { x: 0, y: 0 };
  const area = signedArea(ring);
  if (Math.abs(area) < 1e-14) return origin;
  let [x, y] = [0, 0];
  // Measured from the first point: the world's own origin is too far for the small differences.
  ring.forEach((from, index) => {
    const to = ring[(index + 1) % ring.length] ?? from;
    const [ax, ay] = [from.x - origin.x, from.y - origin.y];
    const [bx, by] = [to.x - origin.x, to.y - origin.y];
    const cross = ax * by - bx * ay;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  });
  return { x: origin.x + x / (6 * area), y: origin.y + y / (6 * area) };
}
