/** What people do about inputs and alerts: overrides and silences. */

import { query, read, send } from './http';
import type { Alert, LevelName, Page } from './types';

export type OverrideKind = 'fault' | 'release' | 'confirm';

export type Override = {
  id: string;
  datastream: string;
  kind: OverrideKind;
  reason: string;
  by: string;
  second: string | null;
  from: string;
  until: string;
  ended: string | null;
};

export type OverrideInput = {
  kind: OverrideKind;
  reason: string;
  second?: string;
  until: string;
};

export type Silence = {
  id: string;
  thing: string | null;
  property: string | null;
  township: string | null;
  reason: string;
  by: string;
  from: string;
  until: string;
  ended: string | null;
};

export type SilenceInput = { thing?: string; property?: string; reason: string; until: string };

export type AlertDetail = Alert & { history: Alert[] };

/** An input that keeps a level up although nothing new came. */
export type Hold = {
  quantity: string;
  group: string;
  /** Null for what people report: `quantity` is then the item, and nothing can be overridden. */
  datastream: string | null;
  thing: string | null;
  value: number | null;
  unit: string | null;
  score: number;
  since: string | null;
  last_time: string | null;
  state: string;
  reason: 'silent' | 'coming_back' | 'report_old';
};

export type Holds = {
  level: LevelName | null;
  displayed_level: LevelName | null;
  held: Hold[];
  falls: { to: LevelName; at: string } | null;
  run_since: string | null;
};

const ofDatastream = (id: string) => `/datastreams/${encodeURIComponent(id)}/overrides`;
const ofAlert = (id: string) => `/alerts/${encodeURIComponent(id)}`;

export const acts = {
  overrides: async (datastream: string) =>
    (await read<Page<Override>>(`${ofDatastream(datastream)}?limit=100`)).items,
  override: (datastream: string, input: OverrideInput, language: string) =>
    send<Override>('POST', ofDatastream(datastream), input, language),
  endOverride: (override: Override, language: string) =>
    send(
      'DELETE',
      `${ofDatastream(override.datastream)}/${encodeURIComponent(override.id)}`,
      undefined,
      language,
    ),
  silences: async () => (await read<Page<Silence>>('/silences?limit=200')).items,
  silence: (input: SilenceInput, language: string) =>
    send<Silence>('POST', '/silences', input, language),
  endSilence: (id: string, language: string) =>
    send('DELETE', `/silences/${encodeURIComponent(id)}`, undefined, language),
  alert: (id: string) => read<AlertDetail>(ofAlert(id)),
  alerts: async (asked: { open?: string; township?: string; thing?: string; limit: number }) =>
    (await read<Page<Alert>>(`/alerts${query(asked)}`)).items,
  holds: (index: string, township: string, language: string) =>
    read<Holds>(`/indices/${index}/townships/${township}/holds`, { language }),
};
