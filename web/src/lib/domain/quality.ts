/** QARTOD flags as they come over the wire: a code, or its word. */

export type QualityFlag = 'pass' | 'not_evaluated' | 'suspect' | 'fail' | 'missing';

const FLAG_OF_CODE: Record<number, QualityFlag> = {
  1: 'pass',
  2: 'not_evaluated',
  3: 'suspect',
  4: 'fail',
  9: 'missing',
};

const WORDS = new Set<string>(Object.values(FLAG_OF_CODE));

/** What is not a flag is shown as not evaluated: never better than it is. */
export function qualityFlag(wire: number | string): QualityFlag {
  if (typeof wire === 'string') return WORDS.has(wire) ? (wire as QualityFlag) : 'not_evaluated';
  return FLAG_OF_CODE[wire] ?? 'not_evaluated';
}
