/** Which parts take turns on the wall: all townships in pages, the declarations, the alerts. */

export type WallPart =
  { key: 'townships'; from: number; to: number } | { key: 'declared' } | { key: 'alerts' };

/** As many as are readable from five metres at once. */
export const TOWNSHIPS_AT_ONCE = 9;

export function wallParts(nTownships: number, nAlerts: number): WallPart[] {
  const parts: WallPart[] = [];
  for (let from = 0; from < nTownships; from += TOWNSHIPS_AT_ONCE) {
    parts.push({ key: 'townships', from, to: Math.min(from + TOWNSHIPS_AT_ONCE, nTownships) });
  }
  if (nAlerts > 0) parts.push({ key: 'alerts' });
  return [...parts, { key: 'declared' }];
}
