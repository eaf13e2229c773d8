import type { Score, ScoreNode, Thing, Township } from '../src/lib/api/types';

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
    index: 'hazard',
    township,
    time,
    score: 10,
    level: 'none',
    model: 'hazard@1',
    model_hash: 'ab',
    origin: 'simulated',
    missing: [],
    parts: [],
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
