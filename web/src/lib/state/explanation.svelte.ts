/**
 * The explanation that somebody is looking at. It is read again when its score
 * changed, but not more often than a person can read.
 */

import { api } from '../api/client';
import { takeScore } from '../api/score';
import type { Score, ScoreNode } from '../api/types';
import { problemOf, type Problem } from './catalogue.svelte';

const REFRESH_MIN_MS = 3_000;

export type Explained = {
  index: string;
  township: string;
  language: string;
  score: Score | null;
  tree: ScoreNode;
};

class ExplanationState {
  shown: Explained | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  isLoading: boolean = $state(false);
  #asked = '';
  #readAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** What is shown, if it is what is asked for. */
  of(index: string, township: string): Explained | null {
    const { shown } = this;
    return shown?.index === index && shown.township === township ? shown : null;
  }

  /** Asks for one; asked again for the same, it is refreshed in good time. */
  want(index: string, township: string, language: string): void {
    const asked = `${index} ${township} ${language}`;
    clearTimeout(this.#timer);
    const wait =
      asked === this.#asked ? Math.max(0, this.#readAt + REFRESH_MIN_MS - performance.now()) : 0;
    if (asked !== this.#asked) this.problem = null;
    this.#asked = asked;
    this.#timer = setTimeout(() => void this.#read(asked, index, township, language), wait);
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.#asked = '';
    this.shown = null;
    this.problem = null;
  }

  async #read(asked: string, index: string, township: string, language: string): Promise<void> {
    this.#readAt = performance.now();
    this.isLoading = true;
    try {
      const answer = await api.explanation(index, township, language);
      if (this.#asked !== asked) return;
      const score = takeScore(answer.score);
      this.shown = { index, township, language, score, tree: answer.tree };
      this.problem = null;
    } catch (error) {
      if (this.#asked === asked) this.problem = problemOf(error);
    } finally {
      this.isLoading = false;
    }
  }
}

export const explanation = new ExplanationState();
