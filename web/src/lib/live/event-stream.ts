/**
 * One `EventSource` that stays open.
 *
 * The browser resumes a broken connection by itself, with `Last-Event-ID`, but
 * gives up for good on any status but 200 (503 while the server restarts, 401
 * after a session ended) and may hang half open. Both are mended here: closed
 * streams are opened again with growing delays, and so are those that do not
 * get open in time.
 */

export type EventSourceLike = {
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
};

export type StreamHandlers = {
  onEvent: (type: string, data: string) => void;
  /** The stream got open, or is no longer. */
  onOpenChange: (isOpen: boolean) => void;
  /** A new stream begins that knows no last id: only its snapshot makes the state whole. */
  onFresh: () => void;
  /** The server refused or closed it for good; a new try follows. */
  onRefused: () => void;
};

export type StreamOptions = {
  /** Asked at each opening: rights may have changed since the last one. */
  url: () => string;
  eventTypes: readonly string[];
  open: (url: string) => EventSourceLike;
  /** In [0, 1): spreads the tries of many pages after a restart. */
  random: () => number;
};

const CLOSED = 2;
const DELAY_FIRST_MS = 500;
const DELAY_MAX_MS = 15_000;
/** The browser's own retry gets this long before it is replaced. */
const OPEN_WITHIN_MS = 10_000;

/** The nth delay (from 0): doubled each time up to 15 s, of which up to a fifth is left off. */
export function retryDelay(attempt: number, random: number): number {
  const full = Math.min(DELAY_MAX_MS, DELAY_FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (1 - 0.2 * random));
}

export class EventStream {
  readonly #options: StreamOptions;
  readonly #handlers: StreamHandlers;
  #source: EventSourceLike | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #isStopped = false;

  constructor(options: StreamOptions, handlers: StreamHandlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  start(): void {
    this.#isStopped = false;
    this.#open();
  }

  stop(): void {
    this.#isStopped = true;
    this.#drop();
  }

  /** Opens afresh at once: after a login, or when an open stream says nothing. */
  reopen(): void {
    if (this.#isStopped) return;
    this.#attempt = 0;
    this.#open();
  }

  #open(): void {
    this.#drop();
    this.#handlers.onFresh();
    const source = this.#options.open(this.#options.url());
    this.#source = source;
    this.#timer = setTimeout(() => this.#retry(), OPEN_WITHIN_MS);
    source.onopen = () => {
      clearTimeout(this.#timer);
      this.#attempt = 0;
      this.#handlers.onOpenChange(true);
    };
    source.onerror = () => this.#failed(source);
    for (const type of this.#options.eventTypes) {
      source.addEventListener(type, (event) => {
        if (this.#source === source) this.#handlers.onEvent(type, event.data);
      });
    }
  }

  #failed(source: EventSourceLike): void {
    if (this.#source !== source) return;
    this.#handlers.onOpenChange(false);
    clearTimeout(this.#timer);
    if (source.readyState === CLOSED) {
      this.#handlers.onRefused();
      this.#retry();
    } else {
      this.#timer = setTimeout(() => this.#retry(), OPEN_WITHIN_MS);
    }
  }

  #retry(): void {
    this.#drop();
    const delay = retryDelay(this.#attempt, this.#options.random());
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#open(), delay);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const source = this.#source;
    this.#source = null;
    if (source === null) return;
    source.onopen = null;
    source.onerror = null;
    source.close();
    this.#handlers.onOpenChange(false);
  }
}
