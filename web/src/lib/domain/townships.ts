/** The townships with their scores, in the order in which they are listed. */

import type { Score, Township } from '../api/types';
import { LEVELS, levelRank, type ShownLevel } from './level';

export type TownshipRow = { township: Township; score: Score | null };

export type TownshipOrder = 'hazard' | 'code';

/** A township without a score is listed all the same: it is unknown, not safe. */
export function townshipRows(
  townships: readonly Township[],
  scores: ReadonlyMap<string, Score>,
  order: TownshipOrder,
): TownshipRow[] {
  const rows = townships.map((township) => {
    return { township, score: scores.get(township.code) ?? null };
  });
  const byCode = (a: TownshipRow, b: TownshipRow) =>
    a.township.code.localeCompare(b.township.code, 'en');
  if (order === 'code') return rows.sort(byCode);
  return rows.sort((a, b) => byHazard(a.score, b.score) || byCode(a, b));
}

/** The worse level first, then the higher score; without a score last. */
function byHazard(a: Score | null, b: Score | null): number {
  const byLevel = levelRank(b?.level ?? null) - levelRank(a?.level ?? null);
  if (byLevel !== 0) return byLevel;
  return (b?.score ?? -1) - (a?.score ?? -1);
}

/** How many townships stand at each level, red first, those without data last. */
export function levelCounts(rows: readonly TownshipRow[]): { level: ShownLevel; n: number }[] {
  const levels: ShownLevel[] = [...[...LEVELS].reverse(), null];
  return levels.map((level) => {
    return { level, n: rows.filter((row) => (row.score?.level ?? null) === level).length };
  });
}
