/**
 * Scores as the server says them, made whole: what a score does not have (Index
 * A has no hazard level, the county no order of attention) is null, so that
 * nothing further on has to ask.
 */

import type { Cap, DisplayedBy, LevelName, Origin, Score } from './types';

/** How the county is called among the features, beside its own code. */
export const COUNTY = 'county';

const LEVEL_NAMES = new Set<unknown>(['none', 'blue', 'yellow', 'orange', 'red']);
const DISPLAYED_BY = new Set<unknown>(['assessed', 'official', 'response']);

type Fields = Record<string, unknown>;

/** `null` for what is no score at all. */
export function takeScore(wire: unknown): Score | null {
  if (typeof wire !== 'object' || wire === null) return null;
  const fields = wire as Fields;
  const index = text(fields['index']);
  const time = text(fields['time']);
  if (index === null || time === null) return null;
  return {
    index,
    time,
    township: text(fields['township']) ?? COUNTY,
    score: number(fields['score']),
    level: level(fields['level']),
    grey: fields['grey'] === true,
    provisional: fields['provisional'] === true,
    revised: fields['revised'] === true,
    coverage: number(fields['coverage']) ?? 0,
    confidence: number(fields['confidence']) ?? 0,
    hazard_level: level(fields['hazard_level']),
    sensed_level: level(fields['sensed_level']),
    official_level: level(fields['official_level']),
    response_level: level(fields['response_level']),
    displayed_level: level(fields['displayed_level']),
    displayed_by: displayedBy(fields['displayed_by']),
    unverified: text(fields['unverified']),
    attention: number(fields['attention']),
    n_unmoved: number(fields['n_unmoved']) ?? 0,
    n_life_alarms: number(fields['n_life_alarms']) ?? 0,
    model: text(fields['model']) ?? '',
    model_hash: text(fields['model_hash']) ?? '',
    origin: (text(fields['origin']) ?? 'real') as Origin,
    missing: list(fields['missing']).filter((id): id is string => typeof id === 'string'),
    caps: list(fields['caps'])
      .map(cap)
      .filter((found): found is Cap => found !== null),
    drivers: text(fields['drivers']),
  };
}

export function takeScores(wire: readonly unknown[] | null | undefined): Score[] {
  return (wire ?? []).map(takeScore).filter((score): score is Score => score !== null);
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function level(value: unknown): LevelName | null {
  return LEVEL_NAMES.has(value) ? (value as LevelName) : null;
}

function displayedBy(value: unknown): DisplayedBy | null {
  return DISPLAYED_BY.has(value) ? (value as DisplayedBy) : null;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A cap is its id alone, or its id with the times between which it holds. */
function cap(value: unknown): Cap | null {
  if (typeof value === 'string') return { id: value, since: null, expires: null };
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as Fields;
  const id = text(fields['id']);
  if (id === null) return null;
  return { id, since: text(fields['since']), expires: text(fields['expires']) };
}
