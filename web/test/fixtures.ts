import type { Alert, Score, ScoreNode, Thing, Township } from '../src/lib/api/types';

export const BOUNDS = [
  { level: 'blue' as const, from: 40 },
  { level: 'yellow' as const, from: 60 },
  { level: 'orange' as const, from: 75 },
  { level: 'red' as const, from: 90 },
];

export function node(id: string, fields: Partial<ScoreNode> = {}): ScoreNode {
  return {
    id,
    kind: 'quantity',
    aggregation: null,
    score: null,
    weight: null,
    contribution: null,
    state: 'unknown',
    raw: null,
    reasons: [],
    parts: [],
    ...fields,
  };
}

export function station(id: string, score: number, contribution: number): ScoreNode {
  const raw = {
    value: 24.5,
    unit: 'm/s',
    time: '2026-07-25T08:10:00.000+08:00',
    age_s: 300,
    quality: 1,
    datastreams: [id],
  };
  return node(id, { score, contribution, state: 'known', raw });
}

export function score(township: string, time: string, fields: Partial<Score> = {}): Score {
  return {
    index: 'flood-typhoon',
    township,
    time,
    score: 10,
    level: 'none',
    grey: false,
    provisional: false,
    revised: false,
    coverage: 1,
    confidence: 0.9,
    hazard_level: 'none',
    sensed_level: 'none',
    official_level: 'none',
    response_level: 'none',
    displayed_level: 'none',
    displayed_by: 'assessed',
    unverified: null,
    attention: null,
    n_unmoved: 0,
    n_life_alarms: 0,
    model: 'flood-typhoon@1',
    model_hash: 'ab',
    origin: 'simulated',
    missing: [],
    caps: [],
    drivers: null,
    ...fields,
  };
}

export function alert(id: string, fields: Partial<Alert> = {}): Alert {
  const at = '2026-07-25T08:10:00.000+08:00';
  return {
    id,
    sequence: 1,
    datastream: 'hm-001/tide_level',
    thing: 'hm-001',
    property: 'tide_level',
    township: '330225101',
    class: 'hazard',
    phase: 'firing',
    level: 'orange',
    level_highest: 'orange',
    confirmed_level: 'orange',
    value: 3.4,
    limit: 3.2,
    unit: 'm',
    phenomenon_time: at,
    received: at,
    opened: at,
    closed: null,
    updated: at,
    is_late: false,
    needs_person: false,
    data_missing: false,
    escalated: false,
    in_maintenance: false,
    is_false: false,
    silenced: false,
    acknowledged_by: null,
    acknowledged_at: null,
    acknowledged_by_unit: null,
    opened_in_storm: false,
    transition: 'raised',
    origin: 'simulated',
    ...fields,
  };
}

export function township(code: string): Township {
  const name = { zh: `镇${code}`, en: `Town ${code}` };
  return { code, name, seat: [121.9, 29.2], coastal: true, villages: null };
}

export function thing(id: string, kind: string, properties: string[]): Thing {
  return {
    id,
    kind,
    name: { zh: `设备${id}`, en: `Thing ${id}` },
    township: '330225101',
    state: 'in_service',
    datastreams: properties.map((property) => {
      return { id: `${id}/${property}`, property, channel: null };
    }),
  };
}
