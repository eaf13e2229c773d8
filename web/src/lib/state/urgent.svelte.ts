/** Calls out new alerts about lives, once each, to those who listen and those who look. */

import type { Alert } from '../api/types';
import { newlyUrgent, urgentAlerts } from '../domain/alerts';
import { sound } from './sound.svelte';

/** Beyond this many only what is open now is remembered. */
const KNOWN_MAX = 2_000;

class Urgent {
  /** Those that came last and were not there before; said aloud by the page. */
  called: readonly Alert[] = $state.raw([]);
  #known: Set<string> | null = null;

  /** Tells it of the open alerts; the first time nothing is called out. */
  notice(sorted: readonly Alert[]): void {
    const urgent = urgentAlerts(sorted);
    const fresh = newlyUrgent(urgent, this.#known);
    if (this.#known === null || this.#known.size > KNOWN_MAX) this.#known = new Set();
    for (const alert of urgent) this.#known.add(alert.id);
    if (fresh.length === 0) return;
    this.called = fresh;
    sound.play();
  }

  forget(): void {
    this.#known = null;
    this.called = [];
  }
}

export const urgent = new Urgent();
