/**
 * The few requests the page makes, over `fetch` with the session cookie.
 * Errors are RFC 9457 problems; the page shows their `title` and `detail`.
 */

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

const BASE = '/api/v1';
/** A request that takes longer is given up, so that no part of the page waits for ever. */
const TIMEOUT_MS = 15_000;
/** A list longer than this many pages is cut: 50,000 things are more than a county has. */
const PAGES_MAX = 50;
/** Of each kind of declaration the page reads this many, newest first. */
const DECLARATIONS_READ = 200;

/** `status` 0: the server could not be reached or did not answer in time. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly detail: string | null;

  constructor(status: number, title: string, detail: string | null) {
    super(title);
    this.name = 'ApiProblem';
    this.status = status;
    this.detail = detail;
  }

  /** The caller is not known or may not see this. */
  get isForbidden(): boolean {
    return this.status === 401 || this.status === 403 || this.status === 404;
  }
}

type Options = {
  method?: string;
  body?: unknown;
  accept?: string;
  language?: string;
  timeoutMs?: number;
};

async function problemOf(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null);
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const title = typeof fields['title'] === 'string' ? fields['title'] : response.statusText;
  const detail = typeof fields['detail'] === 'string' ? fields['detail'] : null;
  return new ApiProblem(response.status, title, detail);
}

async function request(path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? 'application/json' };
  if (options.language) headers['Accept-Language'] = options.language;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  const init: RequestInit = {
    method: options.method ?? 'GET',
    headers,
    credentials: 'same-origin',
    cache: 'no-store',
    signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
  };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);

  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch (error) {
    throw new ApiProblem(0, error instanceof Error ? error.message : String(error), null);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function read<T>(path: string, options?: Options): Promise<T> {
  const response = await request(path, options);
  return (await response.json()) as T;
}

async function readAll<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const suffix: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer: Page<T> = await read<Page<T>>(`${path}?limit=1000${suffix}`);
    items.push(...answer.items);
    cursor = answer.next_cursor;
    if (cursor === null) break;
  }
  return items;
}

/** Newest first: what is in force is among the last few hundred declarations. */
async function readNewest<T>(path: string): Promise<T[]> {
  return (await read<Page<T>>(`${path}?limit=${DECLARATIONS_READ}`)).items;
}

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
