/** Levels of danger 研判等级. The bounds come from the index's model, none is written here. */

import type { LevelBound, LevelName } from '../api/types';

export const LEVELS: readonly LevelName[] = ['none', 'blue', 'yellow', 'orange', 'red'];

const BOUND_TOLERANCE = 1e-9;

/** `null` means no level can be told: no data, or no bounds yet. */
export type ShownLevel = LevelName | null;

export function levelOf(score: number | null, bounds: readonly LevelBound[]): ShownLevel {
  if (score === null || bounds.length === 0) return null;
  let level: LevelName = 'none';
  for (const bound of ascending(bounds)) {
    if (score >= bound.from - BOUND_TOLERANCE) level = bound.level;
  }
  return level;
}

export type LevelRange = { level: LevelName; from: number | null; below: number | null };

/** From none to red: where each level begins (null: at the bottom) and where the next does. */
export function levelRanges(bounds: readonly LevelBound[]): LevelRange[] {
  const coloured = ascending(bounds).filter((bound) => bound.level !== 'none');
  const first: LevelRange = { level: 'none', from: null, below: coloured[0]?.from ?? null };
  const rest = coloured.map((bound, index) => {
    return { level: bound.level, from: bound.from, below: coloured[index + 1]?.from ?? null };
  });
  return [first, ...rest];
}

/** For sorting: the worst first, what is unknown last. */
export function levelRank(level: ShownLevel): number {
  return level === null ? -1 : LEVELS.indexOf(level);
}

function ascending(bounds: readonly LevelBound[]): LevelBound[] {
  return [...bounds].sort((a, b) => a.from - b.from);
}
