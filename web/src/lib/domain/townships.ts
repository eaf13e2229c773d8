/** The townships with both indices, in the order in which somebody has to look at them. */

import type { DisplayedBy, Score, Township } from '../api/types';
import { LEVELS, levelRank, type ShownLevel } from './level';

export type TownshipRow = { township: Township; flood: Score | null; safety: Score | null };

/** `attention`: as the server ranks them; `safety`: the least safe first. */
export type TownshipOrder = 'attention' | 'flood' | 'safety' | 'code';

export type ScoresByTownship = ReadonlyMap<string, Score>;

/** A township without a score is listed all the same: it is unknown, not safe. */
export function townshipRows(
  townships: readonly Township[],
  flood: ScoresByTownship,
  safety: ScoresByTownship,
  order: TownshipOrder,
): TownshipRow[] {
  const rows = townships.map((township): TownshipRow => {
    const { code } = township;
    return { township, flood: flood.get(code) ?? null, safety: safety.get(code) ?? null };
  });
  const compare = COMPARE[order];
  return rows.sort((a, b) => compare(a, b) || byCode(a, b));
}

const COMPARE: Record<TownshipOrder, (a: TownshipRow, b: TownshipRow) => number> = {
  attention: (a, b) => byAttention(a.flood, b.flood),
  flood: (a, b) => worstFirst(a.flood?.score, b.flood?.score),
  safety: (a, b) => leastFirst(a.safety?.score, b.safety?.score),
  code: () => 0,
};

function byCode(a: TownshipRow, b: TownshipRow): number {
  return a.township.code.localeCompare(b.township.code, 'en');
}

/**
 * By displayed level, then as the server ranks them. Scores come one by one, so
 * two may claim one rank for a moment: then what the rank is made of decides.
 */
function byAttention(a: Score | null, b: Score | null): number {
  const rankOf = (score: Score | null) => score?.attention ?? Number.POSITIVE_INFINITY;
  return (
    levelRank(shownLevel(b)) - levelRank(shownLevel(a)) ||
    difference(rankOf(a), rankOf(b)) ||
    (b?.n_life_alarms ?? 0) - (a?.n_life_alarms ?? 0) ||
    worstFirst(a?.score, b?.score) ||
    (b?.n_unmoved ?? 0) - (a?.n_unmoved ?? 0)
  );
}

function difference(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

function worstFirst(a: number | null | undefined, b: number | null | undefined): number {
  return (b ?? -1) - (a ?? -1);
}

/** Without a score last, here too. */
function leastFirst(a: number | null | undefined, b: number | null | undefined): number {
  return (a ?? 101) - (b ?? 101);
}

/** The level that the page shows for a township first, 综合显示等级. */
export function shownLevel(score: Score | null): ShownLevel {
  return score?.displayed_level ?? score?.level ?? null;
}

/** What made that level; of a grey score it is not an assessment but hazard alone. */
export function shownBy(score: Score | null): DisplayedBy | 'hazard' | null {
  const by = score?.displayed_by ?? null;
  return by === 'assessed' && score?.grey ? 'hazard' : by;
}

/**
 * Rows in the order shown before, while somebody points at them: a list that
 * moves under a finger is clicked wrongly. New rows go to the end.
 */
export function inHeldOrder(
  rows: readonly TownshipRow[],
  held: readonly string[] | null,
): TownshipRow[] {
  if (held === null) return [...rows];
  const place = new Map(held.map((code, index) => [code, index]));
  const placeOf = (row: TownshipRow) => place.get(row.township.code) ?? held.length;
  return [...rows].sort((a, b) => placeOf(a) - placeOf(b));
}

/** How many townships stand at each level, red first, those without data last. */
export function levelCounts(rows: readonly TownshipRow[]): { level: ShownLevel; n: number }[] {
  const levels: ShownLevel[] = [...[...LEVELS].reverse(), null];
  return levels.map((level) => {
    return { level, n: rows.filter((row) => shownLevel(row.flood) === level).length };
  });
}
