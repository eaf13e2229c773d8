/**
 * The live side of the page: one event stream, one probe, one clock.
 *
 * Events change plain data at once; the page is told of it once per animation
 * frame, however many came. Ages are counted on the scene clock and go on
 * growing when the server is gone.
 */

import { ApiProblem, api, eventsUrl } from '../api/client';
import type { Clock, LatestColumns, Score, Snapshot } from '../api/types';
import {
  connectionState,
  isSilent,
  PROBE_EVERY_MS,
  PROBE_TIMEOUT_MS,
  type ConnectionState,
} from '../live/connection';
import { EventStream } from '../live/event-stream';
import type { LatestValue } from '../live/latest';
import { emptyLiveData, newestScoreTime, reduce, type LiveEvent } from '../live/reducer';
import { sceneClock, sceneNow, type SceneClock } from '../live/scene-clock';
import { session } from './session.svelte';

const TICK_MS = 500;
/** A gateway that answers for a server that is gone is no sign of the server. */
const GATEWAY_STATUSES = new Set([502, 504]);

function parseEvent(type: string, data: string): LiveEvent | null {
  switch (type) {
    case 'snapshot':
      return { type, data: JSON.parse(data) as Snapshot };
    case 'score':
      return { type, data: JSON.parse(data) as Score };
    case 'latest':
      return { type, data: JSON.parse(data) as LatestColumns };
    case 'reset':
      return { type };
    default:
      return null;
  }
}

export type LiveCallbacks = { onRefused: () => void; onRecovered: () => void };

class Live {
  scores: ReadonlyMap<string, Score> = $state.raw(new Map());
  latestVersion: number = $state(0);
  hasLatest: boolean = $state(false);
  hasData: boolean = $state(false);
  connection: ConnectionState = $state('connecting');
  /** Scene time, moved on twice a second; null until the server told it. */
  now: number | null = $state(null);
  speed: number = $state(1);
  /** For how long what is shown has not been live, in milliseconds of real time. */
  staleMs: number = $state(0);

  readonly assessedAt: number | null = $derived(newestScoreTime(new Map(this.scores)));

  #data = emptyLiveData();
  #stream: EventStream | null = null;
  #clock: SceneClock | null = null;
  #isOpen = false;
  #frame = 0;
  #pending = { scores: false, latest: false };
  #startedAt = performance.now();
  #lastSignAt: number | null = null;
  #lastEventAt = 0;
  #liveAt: number | null = null;
  #isUnreachable = false;
  #isProbing = false;
  #wasLost = false;
  #callbacks: LiveCallbacks | null = null;

  /** Starts clock and probe; what they find out is for everybody. */
  start(callbacks: LiveCallbacks): void {
    this.#callbacks = callbacks;
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => void this.#probe(), PROBE_EVERY_MS);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.#probe();
    });
    void this.#probe();
  }

  /** Opens the stream, or opens it afresh with the rights of a new session. */
  listen(): void {
    if (this.#stream !== null) {
      this.#stream.reopen();
      return;
    }
    this.#stream = new EventStream(
      {
        url: () => eventsUrl(session.mayReadAll),
        eventTypes: ['snapshot', 'score', 'latest', 'reset'],
        open: (url) => new EventSource(url),
        random: Math.random,
      },
      {
        onEvent: (type, data) => this.#take(type, data),
        onOpenChange: (isOpen) => this.#setOpen(isOpen),
        onFresh: () => void reduce(this.#data, { type: 'reset' }),
        onRefused: () => this.#callbacks?.onRefused(),
      },
    );
    this.#lastEventAt = performance.now();
    this.#stream.start();
  }

  /** Ends the stream and forgets what it told: the reader may no longer see it. */
  forget(): void {
    this.#stream?.stop();
    this.#stream = null;
    this.#data = emptyLiveData();
    this.#changed({ scores: true, latest: true });
  }

  /** The newest value of a datastream; asking for it means being told of changes. */
  value(datastream: string): LatestValue | null {
    void this.latestVersion;
    return this.#data.latest.get(datastream) ?? null;
  }

  #setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen;
    if (isOpen) this.#sign();
    this.#tick();
  }

  #take(type: string, text: string): void {
    const event = parseEvent(type, text);
    if (event === null) return;
    this.#lastEventAt = performance.now();
    this.#sign();
    if (event.type === 'snapshot') this.#setClock(event.data.clock);
    this.#changed(reduce(this.#data, event));
  }

  #sign(): void {
    this.#lastSignAt = performance.now();
    this.#isUnreachable = false;
  }

  #setClock(clock: Clock): void {
    this.#clock = sceneClock(clock, performance.now()) ?? this.#clock;
    this.speed = clock.speed;
  }

  #changed(changed: { scores: boolean; latest: boolean }): void {
    this.#pending.scores ||= changed.scores;
    this.#pending.latest ||= changed.latest;
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => this.#show());
  }

  #show(): void {
    this.#frame = 0;
    if (this.#pending.scores) this.scores = new Map(this.#data.scores);
    if (this.#pending.latest) this.latestVersion += 1;
    this.#pending = { scores: false, latest: false };
    this.hasLatest = this.#data.hasLatest;
    this.hasData = this.#data.isComplete || this.#data.scores.size > 0;
    this.#tick();
  }

  async #probe(): Promise<void> {
    if (this.#isProbing) return;
    this.#isProbing = true;
    try {
      this.#setClock(await api.clock(PROBE_TIMEOUT_MS));
      this.#sign();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (error.status === 0 || GATEWAY_STATUSES.has(error.status)) this.#isUnreachable = true;
      else this.#sign();
    } finally {
      this.#isProbing = false;
      this.#tick();
    }
  }

  #tick(): void {
    const now = performance.now();
    if (this.#clock !== null) this.now = sceneNow(this.#clock, now);
    const state = connectionState({
      isStreaming: this.#isOpen && this.#data.isComplete,
      hasData: this.hasData,
      now,
      startedAt: this.#startedAt,
      lastSignAt: this.#lastSignAt,
      isUnreachable: this.#isUnreachable,
    });
    if (this.#stream !== null && this.#isOpen && isSilent(now, this.#lastEventAt)) {
      this.#lastEventAt = now;
      this.#stream.reopen();
    }
    // Not when the loss was noticed, but when the server was last heard.
    if (state === 'live') this.#liveAt = this.#lastSignAt;
    this.staleMs = now - (this.#liveAt ?? this.#startedAt);
    this.connection = state;
    this.#noticeRecovery(state);
  }

  #noticeRecovery(state: ConnectionState): void {
    if (state === 'lost') this.#wasLost = true;
    const isBack = state === 'live' || (this.#stream === null && state !== 'lost');
    if (!this.#wasLost || !isBack) return;
    this.#wasLost = false;
    this.#callbacks?.onRecovered();
  }
}

export const live = new Live();
