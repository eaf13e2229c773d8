/** What lies under a point of the map: a vessel or thing first, else the township. */

import type { Scene } from './paint';
import { screenX, screenY, type Window } from './mercator';
import { shapeAt } from './shapes';

export type Hit =
  | { kind: 'township'; code: string }
  | { kind: 'thing'; id: string }
  | { kind: 'cluster'; n: number };

/** A finger is not as exact as a pointer. */
const REACH_PX = 12;

export function hitAt(
  scene: Pick<Scene, 'clusters' | 'fleet' | 'shapes'>,
  window: Window,
  point: { x: number; y: number },
): Hit | null {
  const away = (x: number, y: number) =>
    Math.hypot(screenX(window, x) - point.x, screenY(window, y) - point.y);
  let nearest: { hit: Hit; distance: number } | null = null;
  const consider = (hit: Hit, distance: number) => {
    if (distance <= REACH_PX && distance < (nearest?.distance ?? Number.POSITIVE_INFINITY)) {
      nearest = { hit, distance };
    }
  };
  for (const { things, x, y } of scene.clusters) {
    const [single] = things;
    const isOne = things.length === 1 && single !== undefined;
    const hit: Hit = isOne
      ? { kind: 'thing', id: single.id }
      : { kind: 'cluster', n: things.length };
    consider(hit, away(x, y));
  }
  scene.fleet.ids.forEach((id, place) => {
    const [x, y] = [scene.fleet.x[place] ?? Number.NaN, scene.fleet.y[place] ?? Number.NaN];
    if (!Number.isNaN(x)) consider({ kind: 'thing', id }, away(x, y));
  });
  if (nearest !== null) return (nearest as { hit: Hit }).hit;
  const place = {
    x: (point.x + window.left) / window.size,
    y: (point.y + window.top) / window.size,
  };
  const shape = shapeAt(scene.shapes, place);
  return shape === null ? null : { kind: 'township', code: shape.code };
}
