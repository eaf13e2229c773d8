/** What changes seldom: townships, levels, things, properties. Read at the start and after a loss. */

import { ApiProblem, api } from '../api/client';
import type { Index, Outlines, Property, Thing, Township } from '../api/types';
import { datastreamRows, type DatastreamRow } from '../domain/rows';

export const FLOOD = 'flood-typhoon';
export const SAFETY = 'township-safety';

export type Problem = { status: number; text: string };

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiProblem) {
    return { status: error.status, text: error.detail ?? error.message };
  }
  throw error;
}

class Catalogue {
  townships: Township[] | null = $state.raw(null);
  indices: ReadonlyMap<string, Index> = $state.raw(new Map());
  outlines: Outlines | null = $state.raw(null);
  things: Thing[] | null = $state.raw(null);
  properties: ReadonlyMap<string, Property> = $state.raw(new Map());
  problem: Problem | null = $state.raw(null);
  thingsProblem: Problem | null = $state.raw(null);

  /** Index B, whose bounds are those of the danger scale. */
  readonly flood: Index | null = $derived(this.indices.get(FLOOD) ?? null);
  readonly safety: Index | null = $derived(this.indices.get(SAFETY) ?? null);
  readonly townshipsByCode: ReadonlyMap<string, Township> = $derived(
    new Map((this.townships ?? []).map((township) => [township.code, township])),
  );
  readonly thingsById: ReadonlyMap<string, Thing> = $derived(
    new Map((this.things ?? []).map((thing) => [thing.id, thing])),
  );
  readonly rows: DatastreamRow[] = $derived(
    datastreamRows(this.things ?? [], this.properties, this.townshipsByCode),
  );

  async load(mayReadAll: boolean): Promise<void> {
    await Promise.all([
      this.#loadTownships(),
      this.#loadOutlines(),
      mayReadAll ? this.#loadThings() : this.#forgetThings(),
    ]);
  }

  async #loadTownships(): Promise<void> {
    try {
      const [townships, indices] = await Promise.all([api.townships(), api.indices()]);
      this.townships = townships;
      this.indices = new Map(indices.map((index) => [index.id, index]));
      this.problem = null;
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** The map is an extra: without outlines the page is complete all the same. */
  async #loadOutlines(): Promise<void> {
    try {
      this.outlines = await api.outlines();
    } catch (error) {
      problemOf(error);
    }
  }

  async #loadThings(): Promise<void> {
    try {
      const [things, properties] = await Promise.all([api.things(), api.properties()]);
      this.properties = new Map(properties.map((property) => [property.id, property]));
      this.things = things;
      this.thingsProblem = null;
    } catch (error) {
      this.thingsProblem = problemOf(error);
    }
  }

  /** After a log-out nothing stays that only readers with more rights may see. */
  forget(): void {
    this.townships = null;
    this.outlines = null;
    this.indices = new Map();
    this.#forgetThings();
  }

  #forgetThings(): void {
    this.properties = new Map();
    this.things = null;
    this.thingsProblem = null;
  }
}

export const catalogue = new Catalogue();
