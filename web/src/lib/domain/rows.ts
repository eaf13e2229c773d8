/** The list of datastreams: one row each, made once per registry, then filtered and paged. */

import type { LocalizedName, Property, Thing, Township } from '../api/types';

/** Never more rows than this are in the document at once. */
export const ROWS_PER_PAGE = 50;

export type DatastreamRow = {
  id: string;
  thing: string;
  thingName: LocalizedName;
  kind: string;
  state: string;
  township: string | null;
  townshipName: LocalizedName | null;
  propertyName: LocalizedName | null;
  property: string;
  channel: string | null;
  unit: string;
  periodS: number | null;
  /** Lower-case text that a search looks through. */
  haystack: string;
};

export type RowFilter = { township: string; kind: string; text: string };

export const NO_FILTER: RowFilter = { township: '', kind: '', text: '' };

export function datastreamRows(
  things: readonly Thing[],
  properties: ReadonlyMap<string, Property>,
  townships: ReadonlyMap<string, Township>,
): DatastreamRow[] {
  return things.flatMap((thing) =>
    thing.datastreams.map((datastream): DatastreamRow => {
      const property = properties.get(datastream.property);
      const names = [thing.name.zh, thing.name.en, property?.name.zh, property?.name.en];
      return {
        id: datastream.id,
        thing: thing.id,
        thingName: thing.name,
        kind: thing.kind,
        state: thing.state,
        township: thing.township,
        townshipName: thing.township ? (townships.get(thing.township)?.name ?? null) : null,
        propertyName: property?.name ?? null,
        property: datastream.property,
        channel: datastream.channel,
        unit: property?.unit ?? '',
        periodS: property?.period_s ?? null,
        haystack: [datastream.id, ...names].filter(Boolean).join('\n').toLowerCase(),
      };
    }),
  );
}

/** All words of the text have to occur, in any order. */
export function filterRows(rows: readonly DatastreamRow[], filter: RowFilter): DatastreamRow[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(
    (row) =>
      (filter.township === '' || row.township === filter.township) &&
      (filter.kind === '' || row.kind === filter.kind) &&
      words.every((word) => row.haystack.includes(word)),
  );
}

export type PageOf<T> = { items: T[]; index: number; pages: number; first: number };

/** The page at `index`, or the nearest there is. */
export function pageOf<T>(items: readonly T[], index: number): PageOf<T> {
  const pages = Math.max(1, Math.ceil(items.length / ROWS_PER_PAGE));
  const found = Math.min(Math.max(0, index), pages - 1);
  const first = found * ROWS_PER_PAGE;
  return { items: items.slice(first, first + ROWS_PER_PAGE), index: found, pages, first };
}
