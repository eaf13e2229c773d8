/** The requests that most of the page makes; those of single views stand beside it. */

import { BASE, read, readAll, readNewest, request } from './http';
import type {
  ActingAs,
  Alert,
  Clock,
  EmergencyResponse,
  Explanation,
  Index,
  Ledger,
  Outlines,
  Page,
  Property,
  QuarantineItem,
  RecallOrder,
  Scores,
  Session,
  Signal,
  Thing,
  Township,
} from './types';

export { ApiProblem } from './http';

/** Tells what a person did about an alert; the answer, where there is one, is the alert. */
async function actOn(
  alert: string,
  act: 'acknowledgement' | 'closure',
  actingAs: ActingAs,
  note: string,
  language: string,
): Promise<Alert | null> {
  const body = note === '' ? { acting_as: actingAs } : { acting_as: actingAs, note };
  const path = `/alerts/${encodeURIComponent(alert)}/${act}`;
  const response = await request(path, { method: 'POST', body, language });
  const answer: unknown = await response.json().catch(() => null);
  const isAlert = typeof answer === 'object' && answer !== null && 'sequence' in answer;
  return isAlert ? (answer as Alert) : null;
}

export const api = {
  clock: (timeoutMs: number) => read<Clock>('/clock', { timeoutMs }),
  session: () => read<Session>('/session'),
  login: (name: string, password: string, language: string) =>
    read<Session>('/session', { method: 'POST', body: { name, password }, language }),
  logout: async () => {
    await request('/session', { method: 'DELETE' });
  },
  townships: async () => (await read<Page<Township>>('/townships')).items,
  outlines: () => read<Outlines>('/townships', { accept: 'application/geo+json' }),
  indices: async () => (await read<Page<Index>>('/indices')).items,
  /** The scores as they were at an instant; its offset's `+` has to be escaped. */
  scoresAt: (index: string, at: string) =>
    read<Scores>(`/indices/${index}/scores?at=${encodeURIComponent(at)}`),
  explanation: (index: string, township: string, language: string) =>
    read<Explanation>(`/indices/${index}/townships/${township}/explanation`, { language }),
  signals: () => readNewest<Signal>('/signals'),
  responses: () => readNewest<EmergencyResponse>('/responses'),
  recallOrders: () => readNewest<RecallOrder>('/recall-orders'),
  acknowledge: (alert: string, actingAs: ActingAs, note: string, language: string) =>
    actOn(alert, 'acknowledgement', actingAs, note, language),
  close: (alert: string, actingAs: ActingAs, note: string, language: string) =>
    actOn(alert, 'closure', actingAs, note, language),
  things: () => readAll<Thing>('/things'),
  properties: async () => (await read<Page<Property>>('/properties')).items,
  ledger: () => read<Ledger>('/ledger'),
  quarantine: async (limit: number) =>
    (await read<Page<QuarantineItem>>(`/quarantine?limit=${limit}`)).items,
};

/**
 * Everything the page listens to comes over this one stream. To ask for what
 * the reader may not see would be refused as a whole.
 */
export function eventsUrl(mayReadAll: boolean): string {
  return `${BASE}/events?topics=${mayReadAll ? 'scores,alerts,latest' : 'scores,alerts'}`;
}
