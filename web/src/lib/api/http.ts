/**
 * Requests over `fetch` with the session cookie. Errors are RFC 9457 problems;
 * the page shows their `title` and `detail`.
 */

import type { Page } from './types';

export const BASE = '/api/v1';
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

export async function request(path: string, options: Options = {}): Promise<Response> {
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

export async function read<T>(path: string, options?: Options): Promise<T> {
  const response = await request(path, options);
  try {
    return (await response.json()) as T;
  } catch (error) {
    // The time may run out, or the connection break, while the body comes.
    throw new ApiProblem(0, error instanceof Error ? error.message : String(error), null);
  }
}

export async function readAll<T>(path: string): Promise<T[]> {
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
export async function readNewest<T>(path: string): Promise<T[]> {
  return (await read<Page<T>>(`${path}?limit=${DECLARATIONS_READ}`)).items;
}

/** Sends a body and gives back what the server made of it; null where it says nothing. */
export async function send<T>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body: unknown,
  language: string,
): Promise<T | null> {
  const response = await request(path, { method, body, language });
  return (await response.json().catch(() => null)) as T | null;
}

/** Query members that are set; its values are escaped, the `+` of a time too. */
export function query(members: Record<string, string | number | undefined>): string {
  const said = Object.entries(members).filter(([, value]) => value !== undefined && value !== '');
  const text = said.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&');
  return text === '' ? '' : `?${text}`;
}
