/**
 * The live side of the page: one event stream, one probe, one clock.
 *
 * Events change plain data at once; the page is told of it once per animation
 * frame, however many came. Ages are counted on the scene clock and go on
 * growing when the server is gone.
 */

import { ApiProblem, api, eventsUrl } from '../api/client';
import { COUNTY, takeScore, takeScores } from '../api/score';
import type { Alert, Clock, LatestColumns, Score, Snapshot } from '../api/types';
import { recentlyClosed, sortAlerts } from '../domain/alerts';
import { isAssessmentLate } from '../domain/lateness';
import type { ScoresByTownship } from '../domain/townships';
import { trendOf, type Trend } from '../domain/trend';
import {
  connectionState,
  isSilent,
  PROBE_EVERY_MS,
  PROBE_TIMEOUT_MS,
  type ConnectionState,
} from '../live/connection';
import { EventStream } from '../live/event-stream';
import { HISTORY_MS, historyKey, record, type History } from '../live/history';
import type { LatestValue } from '../live/latest';
import {
  emptyLiveData,
  newestScoreTime,
  reduce,
  type Changed,
  type LiveEvent,
} from '../live/reducer';
import { sceneClock, sceneNow, type SceneClock } from '../live/scene-clock';
import { FLOOD, SAFETY } from './catalogue.svelte';
import { session } from './session.svelte';

/** The past that the trend begins with: what held an hour ago and half an hour ago. */
const PAST_MS = [HISTORY_MS, HISTORY_MS / 2];
/** Alerts that were closed stay in sight for this long, in scene time. */
const CLOSED_SHOWN_MS = 1_800_000;
const EVENT_TYPES = ['snapshot', 'score', 'county', 'alert', 'latest', 'reset'] as const;
const NO_SCORES: ScoresByTownship = new Map();
const TICK_MS = 500;
/** A gateway that answers for a server that is gone is no sign of the server. */
const GATEWAY_STATUSES = new Set([502, 504]);

function parseEvent(type: string, data: string): LiveEvent | null {
  switch (type) {
    case 'snapshot':
      return { type, data: JSON.parse(data) as Snapshot };
    case 'score':
    case 'county':
      return { type, data: JSON.parse(data) as unknown };
    case 'alert':
      return { type, data: JSON.parse(data) as Alert };
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
  flood: ScoresByTownship = $state.raw(NO_SCORES);
  safety: ScoresByTownship = $state.raw(NO_SCORES);
  /** Open ones, in the order in which somebody has to look at them. */
  alerts: readonly Alert[] = $state.raw([]);
  closedAlerts: readonly Alert[] = $state.raw([]);
  hasAlerts: boolean = $state(false);
  latestVersion: number = $state(0);
  hasLatest: boolean = $state(false);
  hasData: boolean = $state(false);
  connection: ConnectionState = $state('connecting');
  /** Scene time, moved on twice a second; null until the server told it. */
  now: number | null = $state(null);
  speed: number = $state(1);
  /** For how long what is shown has not been live, in milliseconds of real time. */
  staleMs: number = $state(0);
  /** The stream is open, but what was assessed last is long past. */
  isLate: boolean = $state(false);

  readonly assessedAt: number | null = $derived(newestScoreTime(this.flood.values()));

  #data = emptyLiveData();
  #stream: EventStream | null = null;
  #clock: SceneClock | null = null;
  #isOpen = false;
  #frame = 0;
  #pending: Changed = { scores: false, alerts: false, latest: false };
  #history: History = new Map();
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
        eventTypes: EVENT_TYPES,
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
    this.#history = new Map();
    this.#changed({ scores: true, alerts: true, latest: true });
  }

  /** The county's own score: under its code, or under its plain name. */
  county(index: 'flood' | 'safety'): Score | null {
    const scores = this[index];
    return scores.get(session.current?.county.code ?? COUNTY) ?? scores.get(COUNTY) ?? null;
  }

  trend(score: Score | null): Trend | null {
    if (score === null || this.now === null) return null;
    return trendOf(score, this.#history.get(historyKey(score.index, score.township)), this.now);
  }

  /** What a person's act made of an alert, before the stream says so. */
  takeAlert(alert: Alert): void {
    this.#changed(reduce(this.#data, { type: 'alert', data: alert }));
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
    if (event.type === 'snapshot') this.#begin(event.data);
    if (event.type === 'score') this.#note(takeScore(event.data));
    if (event.type === 'county') this.#note(takeScore(event.data));
    this.#changed(reduce(this.#data, event));
  }

  #begin(snapshot: Snapshot): void {
    this.#setClock(snapshot.clock);
    for (const score of takeScores(snapshot.scores)) this.#note(score);
    void this.#readPast();
  }

  #note(score: Score | null): void {
    if (score === null) return;
    record(this.#history, score);
  }

  /** The trend is an extra: where there is no past there is no arrow. */
  async #readPast(): Promise<void> {
    const now = this.#clock === null ? null : sceneNow(this.#clock, performance.now());
    if (now === null) return;
    const asked = [FLOOD, SAFETY].flatMap((index) =>
      PAST_MS.map(async (ago) => {
        const answer = await api.scoresAt(index, new Date(now - ago).toISOString());
        for (const score of takeScores([...answer.items, answer.county])) {
          // What held then: a stored score may be older than the instant asked for.
          record(this.#history, { ...score, time: new Date(now - ago).toISOString() });
        }
      }),
    );
    for (const result of await Promise.allSettled(asked)) {
      if (result.status === 'rejected' && !(result.reason instanceof ApiProblem)) {
        throw result.reason;
      }
    }
    this.#changed({ scores: true, alerts: false, latest: false });
  }

  #sign(): void {
    this.#lastSignAt = performance.now();
    this.#isUnreachable = false;
  }

  #setClock(clock: Clock): void {
    this.#clock = sceneClock(clock, performance.now()) ?? this.#clock;
    this.speed = clock.speed;
  }

  #changed(changed: Changed): void {
    this.#pending.scores ||= changed.scores;
    this.#pending.alerts ||= changed.alerts;
    this.#pending.latest ||= changed.latest;
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => this.#show());
  }

  #show(): void {
    this.#frame = 0;
    const { scores, alerts, latest } = this.#pending;
    this.#pending = { scores: false, alerts: false, latest: false };
    if (scores) {
      this.flood = new Map(this.#data.scores.get(FLOOD));
      this.safety = new Map(this.#data.scores.get(SAFETY));
    }
    if (alerts) this.alerts = sortAlerts(this.#data.alerts.values());
    if (alerts) this.#showClosed();
    if (latest) this.latestVersion += 1;
    this.hasAlerts = this.#data.hasAlerts;
    this.hasLatest = this.#data.hasLatest;
    this.hasData = this.#data.isComplete || this.#data.scores.size > 0;
    this.#tick();
  }

  #showClosed(): void {
    const { alerts } = this.#data;
    this.closedAlerts = recentlyClosed(alerts.values(), this.now ?? 0, CLOSED_SHOWN_MS);
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
    const age = this.assessedAt === null || this.now === null ? 0 : this.now - this.assessedAt;
    this.isLate = state === 'live' && isAssessmentLate(age, this.speed);
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
