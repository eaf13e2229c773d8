/** The ledger, read every 30 s, and the quarantine, read when somebody looks. */

import { api } from '../api/client';
import type { Ledger, QuarantineItem } from '../api/types';
import { problemOf, type Problem } from './catalogue.svelte';

const REFRESH_MS = 30_000;
export const QUARANTINE_SHOWN = 20;

class Operations {
  ledger: Ledger | null = $state.raw(null);
  ledgerProblem: Problem | null = $state.raw(null);
  quarantine: QuarantineItem[] | null = $state.raw(null);
  quarantineProblem: Problem | null = $state.raw(null);
  #isWatched = false;

  /** Reads the ledger now and then on; ends with the function it gives back. */
  watch(): () => void {
    void this.load();
    const timer = setInterval(() => void this.load(), REFRESH_MS);
    return () => clearInterval(timer);
  }

  forget(): void {
    this.ledger = null;
    this.quarantine = null;
  }

  setQuarantineOpen(isOpen: boolean): void {
    this.#isWatched = isOpen;
    if (isOpen) void this.loadQuarantine();
  }

  async load(): Promise<void> {
    try {
      this.ledger = await api.ledger();
      this.ledgerProblem = null;
    } catch (error) {
      this.ledgerProblem = problemOf(error);
    }
    if (this.#isWatched) await this.loadQuarantine();
  }

  async loadQuarantine(): Promise<void> {
    try {
      this.quarantine = await api.quarantine(QUARANTINE_SHOWN);
      this.quarantineProblem = null;
    } catch (error) {
      this.quarantineProblem = problemOf(error);
    }
  }
}

export const operations = new Operations();
