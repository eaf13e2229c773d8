import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { EventStream, retryDelay, type EventSourceLike } from '../src/lib/live/event-stream';

class FakeSource implements EventSourceLike {
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  isClosed = false;
  readonly listeners = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(type, listener);
  }

  close(): void {
    this.isClosed = true;
  }

  opened(): void {
    this.readyState = 1;
    this.onopen?.(new Event('open'));
  }

  /** `readyState` 0: the browser tries again by itself; 2: it has given up. */
  failed(readyState: 0 | 2): void {
    this.readyState = readyState;
    this.onerror?.(new Event('error'));
  }

  says(type: string, data: string): void {
    this.listeners.get(type)?.({ data } as MessageEvent<string>);
  }
}

let sources: FakeSource[] = [];
let log: string[] = [];

function stream(): EventStream {
  const open = () => {
    const source = new FakeSource();
    sources.push(source);
    return source;
  };
  return new EventStream(
    { url: () => '/events', eventTypes: ['score'], open, random: () => 0 },
    {
      onEvent: (type, data) => log.push(`${type} ${data}`),
      onOpenChange: (isOpen) => log.push(isOpen ? 'open' : 'shut'),
      onFresh: () => log.push('fresh'),
      onRefused: () => log.push('refused'),
    },
  );
}

const last = () => sources[sources.length - 1] as FakeSource;

beforeEach(() => {
  vi.useFakeTimers();
  sources = [];
  log = [];
});
afterEach(() => vi.useRealTimers());

test('events go on to the page', () => {
  stream().start();
  last().opened();
  last().says('score', '{}');
  expect(log).toEqual(['fresh', 'open', 'score {}']);
});

test('a broken connection is left to the browser, which resumes by the last id', () => {
  stream().start();
  last().opened();
  last().failed(0);
  vi.advanceTimersByTime(9_000);
  last().opened();
  vi.advanceTimersByTime(60_000);
  expect(sources).toHaveLength(1);
  expect(log).toEqual(['fresh', 'open', 'shut', 'open']);
});

test('a connection that does not get open again is replaced', () => {
  stream().start();
  last().opened();
  last().failed(0);
  vi.advanceTimersByTime(10_500);
  expect(sources).toHaveLength(2);
  expect(sources[0]?.isClosed).toBe(true);
});

test('a refused stream is opened again with growing delays, however often', () => {
  stream().start();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const before = sources.length;
    last().failed(2);
    let waited = 0;
    while (sources.length === before) {
      vi.advanceTimersByTime(100);
      waited += 100;
    }
    delays.push(waited);
  }
  expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  expect(log.filter((line) => line === 'refused')).toHaveLength(8);
  last().opened();
  last().failed(2);
  vi.advanceTimersByTime(500);
  expect(sources).toHaveLength(10);
});

test('what an old stream still says is not heard', () => {
  const events = stream();
  events.start();
  const old = last();
  old.opened();
  events.reopen();
  old.says('score', 'old');
  old.failed(2);
  expect(log).toEqual(['fresh', 'open', 'shut', 'fresh']);
  expect(sources).toHaveLength(2);
});

test('a stopped stream stays closed', () => {
  const events = stream();
  events.start();
  last().failed(2);
  events.stop();
  events.reopen();
  vi.advanceTimersByTime(60_000);
  expect(sources).toHaveLength(1);
});

test('delays are spread by at most a fifth', () => {
  expect(retryDelay(0, 0.999)).toBeGreaterThanOrEqual(400);
  expect(retryDelay(99, 0)).toBe(15_000);
});
