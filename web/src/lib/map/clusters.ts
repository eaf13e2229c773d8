/** Things that lie on top of each other on the screen, drawn as one with their number. */

import type { LevelName } from '../api/types';
import { levelRank } from '../domain/level';
import type { World } from './mercator';

export type Placed = World & { id: string; kind: string; level: LevelName };

/** Where a cluster lies is the mean of its things; its level is the worst of theirs. */
export type Cluster = World & { things: Placed[]; level: LevelName };

/** Things nearer than this many pixels are one. */
const CELL_PX = 48;

/** A grid over the whole world, so that a cluster does not change while the map is dragged. */
export function clusters(things: readonly Placed[], worldSize: number): Cluster[] {
  const cell = CELL_PX / worldSize;
  const cells = new Map<string, Placed[]>();
  for (const thing of things) {
    const key = `${Math.floor(thing.x / cell)} ${Math.floor(thing.y / cell)}`;
    const found = cells.get(key);
    if (found) found.push(thing);
    else cells.set(key, [thing]);
  }
  return [...cells.values()].map(clusterOf);
}

function clusterOf(things: Placed[]): Cluster {
  let [x, y] = [0, 0];
  let level: LevelName = 'none';
  for (const thing of things) {
    x += thing.x;
    y += thing.y;
    if (levelRank(thing.level) > levelRank(level)) level = thing.level;
  }
  return { x: x / things.length, y: y / things.length, things, level };
}
