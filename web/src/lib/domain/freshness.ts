/** How old a single value is, against the period in which its property is expected. */

/** Beyond this many periods a value is held, not known (domain: state known to age 3T). */
const PERIODS_KNOWN = 3;
/** A value that stayed the same for this many periods, and at least an hour, is worth a word. */
const PERIODS_UNCHANGED = 12;
const UNCHANGED_MIN_MS = 3_600_000;

export function isOverdue(ageMs: number, periodS: number | null): boolean {
  return periodS !== null && ageMs > PERIODS_KNOWN * periodS * 1000;
}

/** Is "unchanged since" worth saying? Only where values are expected again and again. */
export function isLongUnchanged(unchangedMs: number, periodS: number | null): boolean {
  if (periodS === null) return false;
  return unchangedMs > Math.max(UNCHANGED_MIN_MS, PERIODS_UNCHANGED * periodS * 1000);
}
