/**
 * Which declarations of others are in force, and where: of one issuer's
 * documents of one kind the newest issue wins in each township, cancelled ones
 * and those whose time is over hold no longer (domain: section 1).
 */

import type { Area, LevelName } from '../api/types';
import { parseTime } from '../format/time';
import { levelRank } from './level';

type Declared = {
  id: string;
  issuer: string;
  issued: string;
  valid_from: string;
  valid_until: string | null;
  cancelled: string | null;
  area?: Area;
  kind?: string;
  level?: LevelName;
};

/** `townships` null: in the whole county. */
export type InForce<T> = { document: T; townships: string[] | null };

/** The worst first, then the newest. */
export function inForce<T extends Declared>(
  documents: readonly T[],
  codes: readonly string[],
  now: number,
): InForce<T>[] {
  const known = documents.filter((document) => (parseTime(document.issued) ?? 0) <= now);
  const places = new Map<T, string[]>();
  for (const code of codes) {
    const here = known.filter((document) => reaches(document.area, code));
    for (const document of newestOfEach(here).filter((each) => holds(each, now))) {
      const found = places.get(document);
      if (found) found.push(code);
      else places.set(document, [code]);
    }
  }
  return [...places]
    .map(([document, found]): InForce<T> => {
      return { document, townships: found.length === codes.length ? null : found };
    })
    .sort((a, b) => compareDeclared(a.document, b.document));
}

function reaches(area: Area | undefined, code: string): boolean {
  return area === undefined || area === 'county' || area.townships.includes(code);
}

/** Of each issuer and kind the newest issue; of equals the later in the list of the server. */
function newestOfEach<T extends Declared>(documents: readonly T[]): T[] {
  const newest = new Map<string, T>();
  for (const document of documents) {
    const key = `${document.kind ?? ''} ${document.issuer}`;
    const held = newest.get(key);
    const isOlder = held && (parseTime(document.issued) ?? 0) < (parseTime(held.issued) ?? 0);
    if (!isOlder) newest.set(key, document);
  }
  return [...newest.values()];
}

function holds(document: Declared, now: number): boolean {
  const from = parseTime(document.valid_from);
  const until = parseTime(document.valid_until);
  const cancelled = parseTime(document.cancelled);
  return (
    from !== null &&
    from <= now &&
    (until === null || now < until) &&
    (cancelled === null || now < cancelled)
  );
}

function compareDeclared(a: Declared, b: Declared): number {
  return (
    levelRank(b.level ?? null) - levelRank(a.level ?? null) ||
    (parseTime(b.issued) ?? 0) - (parseTime(a.issued) ?? 0) ||
    a.id.localeCompare(b.id, 'en')
  );
}
