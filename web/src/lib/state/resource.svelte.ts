/** Something read from the server: its value, or why there is none. A late answer to an old question is dropped. */

import { problemOf, type Problem } from './catalogue.svelte';

export class Resource<T> {
  value: T | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  isLoading: boolean = $state(false);
  /** When the value was read, of the clock that never jumps. */
  readAt: number = $state(0);
  #asked = 0;
  #key = '';

  /** `key` says what is asked for: the value of another key is not shown meanwhile. */
  async load(key: string, read: () => Promise<T>): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    if (key !== this.#key) {
      this.value = null;
      this.problem = null;
    }
    this.#key = key;
    this.isLoading = true;
    try {
      const value = await read();
      if (asked !== this.#asked) return;
      this.value = value;
      this.problem = null;
      this.readAt = performance.now();
    } catch (error) {
      const problem = problemOf(error);
      if (asked === this.#asked) this.problem = problem;
    } finally {
      if (asked === this.#asked) this.isLoading = false;
    }
  }

  forget(): void {
    this.#asked += 1;
    this.#key = '';
    this.value = null;
    this.problem = null;
    this.isLoading = false;
  }
}
