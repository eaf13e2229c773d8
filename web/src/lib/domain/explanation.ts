/**
 * The tree that explains a score, made ready for showing: names, words for
 * states, and the raw values that speak. Nothing is computed that the server
 * did not say; what is unknown stays unknown.
 */

import type { NodeState, ScoreNode } from '../api/types';
import { parseTime } from '../format/time';
import { qualityFlag, type QualityFlag } from './quality';

/** What the page calls things, in its language; null for what it has no name for. */
export type Names = {
  /** Of dimensions, groups, items, indicators, caps and quantities. */
  node: (id: string) => string | null;
  thing: (id: string) => string | null;
};

export type ExplainedRaw = {
  value: number;
  unit: string;
  time: number | null;
  quality: QualityFlag;
  /** The things that were read, each once. */
  things: string[];
};

export type NodeRole =
  'dimension' | 'group' | 'item' | 'indicator' | 'quantity' | 'station' | 'cap';

export type ExplainedNode = {
  key: string;
  id: string;
  role: NodeRole;
  label: string;
  /** For a station: the thing that was read. */
  thing: string | null;
  score: number | null;
  weight: number | null;
  contribution: number | null;
  /** What it adds as a share of the score above, 0..1; null for a cap, which takes away. */
  share: number | null;
  state: NodeState;
  aggregation: string | null;
  /** Its own raw value, or that of the part that alone makes its score. */
  raw: ExplainedRaw | null;
  reasons: string[];
  /** Open at first: what makes most of the score can be read without a click. */
  isLeading: boolean;
  parts: ExplainedNode[];
};

const ROLES = new Set<string>(['dimension', 'group', 'item', 'indicator', 'quantity', 'cap']);

export function explain(tree: ScoreNode, names: Names): ExplainedNode[] {
  return explainParts(tree, '', names);
}

function explainParts(parent: ScoreNode, parentKey: string, names: Names): ExplainedNode[] {
  const largest = Math.max(0, ...parent.parts.map((part) => part.contribution ?? 0));
  const keys = keysOf(parent.parts, parentKey);
  return parent.parts.map((node, place) => {
    const role = roleOf(node);
    const key = keys[place] ?? '';
    const parts = explainParts(node, key, names);
    const own = node.raw === null ? null : explainedRaw(node.raw);
    return {
      key,
      id: node.id,
      role,
      label: labelOf(node.id, role, names),
      thing: role === 'station' ? thingOf(node.raw?.datastreams[0] ?? node.id) : null,
      score: node.score,
      weight: node.weight,
      contribution: node.contribution,
      share: shareOf(node, parent, role),
      state: node.state,
      aggregation: node.aggregation,
      raw: own ?? speakersRaw(node, parts),
      reasons: node.reasons,
      isLeading: largest > 0 && node.contribution === largest,
      parts,
    };
  });
}

/** A station may speak twice under one quantity: with its new reading and with the held one. */
function keysOf(parts: readonly ScoreNode[], parentKey: string): string[] {
  const seen = new Map<string, number>();
  return parts.map(({ id }) => {
    const n = seen.get(id) ?? 0;
    seen.set(id, n + 1);
    return n === 0 ? `${parentKey}/${id}` : `${parentKey}/${id}~${n}`;
  });
}

/** A station is named by its datastream (`hm-001/wind_speed`), whatever its kind is called. */
function roleOf(node: ScoreNode): NodeRole {
  if (node.kind === 'station' || node.id.includes('/')) return 'station';
  return ROLES.has(node.kind) ? (node.kind as NodeRole) : 'quantity';
}

/** Without a name the id stands, which is never wrong. */
function labelOf(id: string, role: NodeRole, names: Names): string {
  return (role === 'station' ? names.thing(thingOf(id)) : names.node(id)) ?? id;
}

export function thingOf(datastream: string): string {
  return datastream.split('/', 1)[0] ?? datastream;
}

function shareOf(node: ScoreNode, parent: ScoreNode, role: NodeRole): number | null {
  if (role === 'cap' || node.contribution === null || !parent.score) return null;
  return Math.min(1, Math.max(0, node.contribution / parent.score));
}

function explainedRaw(raw: NonNullable<ScoreNode['raw']>): ExplainedRaw {
  return {
    value: raw.value,
    unit: raw.unit,
    time: parseTime(raw.time),
    quality: qualityFlag(raw.quality),
    things: [...new Set(raw.datastreams.map(thingOf))],
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

/** The sum of what the parts add; null where none says. */
export function sumOf(parts: readonly { contribution: number | null }[]): number | null {
  const told = parts.filter((part) => part.contribution !== null);
  if (told.length === 0) return null;
  return told.reduce((sum, part) => sum + (part.contribution ?? 0), 0);
}

/** The largest difference, in the whole tree, between a score and what its parts add up to. */
export function largestGap(node: ScoreNode): number {
  const sum = sumOf(node.parts);
  const own = node.score === null || sum === null ? 0 : Math.abs(sum - node.score);
  return node.parts.reduce((gap, part) => Math.max(gap, largestGap(part)), own);
}
