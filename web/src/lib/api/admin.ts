/** Receivers of alerts and accounts, for administrators. */

import { read } from './http';
import type { Page } from './types';

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

export const admin = {
  webhooks: async () => (await read<Page<Webhook>>('/webhooks')).items,
  users: async () => (await read<Page<User>>('/users')).items,
};
