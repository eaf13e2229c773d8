/**
 * The tree that explains a score, made ready for showing: names, words for
 * states, and the raw values that speak. Nothing is computed that the server
 * did not say; what is unknown stays unknown.
 */

import type { LevelBound, NodeState, ScoreNode } from '../api/types';
import { parseTime } from '../format/time';
import { levelOf, type ShownLevel } from './level';
import { qualityFlag, type QualityFlag } from './quality';

/** What the page calls things, in its language; null for what it has no name for. */
export type Names = {
  group: (id: string) => string | null;
  quantity: (id: string) => string | null;
  thing: (id: string) => string | null;
};

export type ExplainedRaw = {
  value: number;
  unit: string;
  time: number | null;
  quality: QualityFlag;
};

export type ExplainedNode = {
  key: string;
  role: 'group' | 'quantity' | 'station';
  label: string;
  /** For a station: the thing that was read. */
  thing: string | null;
  score: number | null;
  level: ShownLevel;
  contribution: number | null;
  state: NodeState;
  /** Its own raw value, or that of the part that alone makes its score. */
  raw: ExplainedRaw | null;
  reasons: string[];
  parts: ExplainedNode[];
};

export function explain(
  parts: readonly ScoreNode[],
  bounds: readonly LevelBound[],
  names: Names,
): ExplainedNode[] {
  return parts.map((part) => explainNode(part, '', bounds, names));
}

function explainNode(
  node: ScoreNode,
  parent: string,
  bounds: readonly LevelBound[],
  names: Names,
): ExplainedNode {
  const role = roleOf(node);
  const key = `${parent}/${node.id}`;
  const parts = node.parts.map((part) => explainNode(part, key, bounds, names));
  const own = node.raw === null ? null : explainedRaw(node.raw);
  return {
    key,
    role,
    label: labelOf(node.id, role, names),
    thing: role === 'station' ? thingOf(node.raw?.datastreams[0] ?? node.id) : null,
    score: node.score,
    level: levelOf(node.score, bounds),
    contribution: node.contribution,
    state: node.state,
    raw: own ?? (role === 'quantity' ? speakersRaw(node, parts) : null),
    reasons: node.reasons,
    parts,
  };
}

/** A station is named by its datastream (`hm-001/wind_speed`), whatever its kind is called. */
function roleOf(node: ScoreNode): ExplainedNode['role'] {
  if (node.kind === 'group') return 'group';
  return node.kind === 'station' || node.id.includes('/') ? 'station' : 'quantity';
}

/** Without a name the id stands, which is never wrong. */
function labelOf(id: string, role: ExplainedNode['role'], names: Names): string {
  switch (role) {
    case 'group':
      return names.group(id) ?? id;
    case 'quantity':
      return names.quantity(id) ?? id;
    case 'station':
      return names.thing(thingOf(id)) ?? id;
  }
}

export function thingOf(datastream: string): string {
  return datastream.split('/', 1)[0] ?? datastream;
}

function explainedRaw(raw: NonNullable<ScoreNode['raw']>): ExplainedRaw {
  return {
    value: raw.value,
    unit: raw.unit,
    time: parseTime(raw.time),
    quality: qualityFlag(raw.quality),
  };
}

/** Under a maximum exactly one part speaks: the one that contributes the whole score. */
function speakersRaw(node: ScoreNode, parts: readonly ExplainedNode[]): ExplainedRaw | null {
  if (node.aggregation !== 'maximum' || node.score === null) return null;
  const contributors = parts.filter((part) => (part.contribution ?? 0) > 0);
  const speaker =
    contributors.length === 1 ? contributors[0] : parts.find((part) => part.score === node.score);
  return speaker?.raw ?? null;
}
