/** Contributions as steps that add up: each bar begins where the one before it ended. */

import type { ScoreNode } from '../api/types';
import { thingOf, type Names } from './explanation';

export type Step = {
  key: string;
  label: string;
  /** Its dimension, where the step is a part of one. */
  under: string | null;
  from: number;
  to: number;
  points: number;
};

/** Parts that add nothing are told in one number, not in rows. */
export type Waterfall = { steps: Step[]; nothing: number; total: number };

/**
 * Takes each part of the score down to what a reader has a name for: the parts
 * of a dimension where they add up to it, else the dimension itself.
 */
export function waterfall(tree: ScoreNode, names: Names): Waterfall {
  const steps: Step[] = [];
  let nothing = 0;
  let at = 0;
  for (const { node, under } of leavesOf(tree)) {
    const points = node.contribution ?? 0;
    if (Math.abs(points) < SMALLEST) {
      nothing += 1;
      continue;
    }
    const label = names.node(node.id) ?? names.thing(thingOf(node.id)) ?? node.id;
    const key = `${under ?? ''}/${node.id}/${steps.length}`;
    steps.push({ key, label, under, from: at, to: at + points, points });
    at += points;
  }
  return { steps, nothing, total: at };
}

const SMALLEST = 0.05;
const TOLERANCE = 1e-6;

function leavesOf(tree: ScoreNode): { node: ScoreNode; under: string | null }[] {
  return tree.parts.flatMap((part): { node: ScoreNode; under: string | null }[] => {
    if (!addsUp(part)) return [{ node: part, under: null }];
    const scale = partScale(part);
    return part.parts.map((node) => {
      const contribution = (node.contribution ?? 0) * scale;
      return { node: { ...node, contribution }, under: part.id };
    });
  });
}

/** Do the parts of a dimension explain it, so that they may stand for it? */
function addsUp(node: ScoreNode): boolean {
  if (node.parts.length === 0 || !node.score || node.contribution === null) return false;
  const sum = node.parts.reduce((total, part) => total + (part.contribution ?? 0), 0);
  return Math.abs(sum - node.score) < TOLERANCE;
}

/** Parts add up to their dimension's score; the dimension adds only its share of that. */
function partScale(node: ScoreNode): number {
  return node.score ? (node.contribution ?? 0) / node.score : 0;
}
