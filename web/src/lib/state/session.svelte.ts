/** Who is reading, what they may read, and what this installation is called. */

import { ApiProblem, api } from '../api/client';
import type { Session } from '../api/types';

class SessionState {
  current: Session | null = $state.raw(null);

  /** May this reader see the indices at all? */
  readonly mayRead: boolean = $derived(
    this.current !== null && (this.current.user !== null || this.current.public_read !== 'none'),
  );
  /** And things, latest values, the ledger? */
  readonly mayReadAll: boolean = $derived(
    this.current !== null && (this.current.user !== null || this.current.public_read === 'all'),
  );

  /** Tells whether the server answered. */
  async load(): Promise<boolean> {
    try {
      this.current = await api.session();
      return true;
    } catch (error) {
      if (error instanceof ApiProblem) return false;
      throw error;
    }
  }

  async login(name: string, password: string, language: string): Promise<void> {
    this.current = await api.login(name, password, language);
  }

  async logout(): Promise<void> {
    try {
      await api.logout();
    } catch (error) {
      // A session that is already over is as good as ended.
      if (!(error instanceof ApiProblem) || !error.isForbidden) throw error;
    }
    await this.load();
  }
}

export const session = new SessionState();
