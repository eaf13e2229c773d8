/** The state of the system, how ready the registration is, receivers of alerts, accounts. */

import { read } from './http';
import type { LocalizedName, NodeState, Page } from './types';

export type WebhookState = 'working' | 'failing' | 'paused';

export type Webhook = {
  name: string;
  host: string;
  state: WebhookState;
  min_level: string;
  classes: string[];
  exercise: boolean;
  waiting: number;
  undelivered: number;
  failures: number;
  last_error: string | null;
  last_error_at: string | null;
  last_success: string | null;
};

export type User = {
  name: string;
  role: string;
  created: string;
  disabled: boolean;
  has_password: boolean;
};

export type ReadinessItem = {
  dimension: string;
  id: string;
  state: NodeState | null;
  registered: number | null;
  sensed: number | null;
  reported: number | null;
  configured: boolean;
  coverage_cost: number;
};

export type ReadinessRow = {
  code: string;
  name: LocalizedName;
  indices: { index: string; coverage: number; items: ReadinessItem[] }[];
};

export type Readiness = { time: string; county: ReadinessRow; townships: ReadinessRow[] };

export type SystemState = {
  version: string;
  time: string;
  uptime_s: number;
  pipeline: { n_waiting: number; stalled: boolean; disk_full: boolean };
  evaluation: {
    lag_commits: number | null;
    last_tick: string | null;
    last_error: string | null;
  };
  disk_free_bytes: number | null;
  sources: { name: string; ok: boolean; detail: string | null }[];
};

export const admin = {
  system: () => read<SystemState>('/system'),
  readiness: () => read<Readiness>('/readiness'),
  webhooks: async () => (await read<Page<Webhook>>('/webhooks')).items,
  users: async () => (await read<Page<User>>('/users')).items,
};
