/**
 * Signals, responses and recall orders of others. They change a few times a
 * day; the stream does not carry them, so they are read now and then, and at
 * once when a displayed level changed.
 */

import { api } from '../api/client';
import type { EmergencyResponse, RecallOrder, Signal } from '../api/types';
import { problemOf, type Problem } from './catalogue.svelte';

const REFRESH_MS = 10_000;

class Declarations {
  signals: readonly Signal[] = $state.raw([]);
  responses: readonly EmergencyResponse[] = $state.raw([]);
  recallOrders: readonly RecallOrder[] = $state.raw([]);
  problem: Problem | null = $state.raw(null);
  /** False until they were read once. */
  isKnown: boolean = $state(false);
  #isReading = false;

  /** Reads them now and then on; ends with the function it gives back. */
  watch(): () => void {
    void this.load();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void this.load();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }

  forget(): void {
    this.signals = [];
    this.responses = [];
    this.recallOrders = [];
    this.problem = null;
    this.isKnown = false;
  }

  async load(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const [signals, responses, recallOrders] = await Promise.all([
        api.signals(),
        api.responses(),
        api.recallOrders(),
      ]);
      this.signals = signals;
      this.responses = responses;
      this.recallOrders = recallOrders;
      this.problem = null;
      this.isKnown = true;
    } catch (error) {
      this.problem = problemOf(error);
    } finally {
      this.#isReading = false;
    }
  }
}

export const declarations = new Declarations();
