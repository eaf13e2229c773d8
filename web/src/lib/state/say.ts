/** What went wrong with something a person did, in the words of the page. */

import { ApiProblem } from '../api/client';
import { preferences } from './preferences.svelte';

export function failureText(error: unknown): string {
  if (!(error instanceof ApiProblem)) throw error;
  const { t } = preferences;
  if (error.status === 0) return t.alerts.failed(t.problem.unreachable);
  if (error.status === 401) return t.alerts.failed(t.session.neededHere);
  if (error.status === 403) return t.alerts.failed(t.problem.forbidden);
  return t.alerts.failed(error.detail ?? error.message);
}
