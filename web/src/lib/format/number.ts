/** Numbers as the page shows them. */

export type Locale = 'zh' | 'en';

export const LANGUAGE_TAG: Record<Locale, string> = { zh: 'zh-CN', en: 'en-GB' };

const BOUND_TOLERANCE = 1e-9;

const scoreFormats = cached((tag) => {
  return new Intl.NumberFormat(tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
});
const valueFormats = cached((tag) => new Intl.NumberFormat(tag, { maximumFractionDigits: 3 }));
const smallFormats = cached((tag) => new Intl.NumberFormat(tag, { maximumSignificantDigits: 2 }));
const countFormats = cached((tag) => new Intl.NumberFormat(tag, { maximumFractionDigits: 0 }));

function cached<T>(make: (tag: string) => T): (locale: Locale) => T {
  const made = new Map<Locale, T>();
  return (locale) => {
    let format = made.get(locale);
    if (format === undefined) {
      format = make(LANGUAGE_TAG[locale]);
      made.set(locale, format);
    }
    return format;
  };
}

/**
 * Cut to one decimal, never rounded up, so that a figure and its colour agree:
 * 89.96 is 89.9 and orange. What is within 1e-9 of the next tenth counts as
 * that tenth, as it does for the levels.
 */
export function truncateToTenth(score: number): number {
  return Math.floor((score + BOUND_TOLERANCE) * 10) / 10;
}

export function formatScore(score: number, locale: Locale): string {
  return scoreFormats(locale).format(truncateToTenth(score));
}

/** A measured value: at most three decimals, and a small one never becomes zero. */
export function formatValue(value: number, locale: Locale): string {
  const isSmall = value !== 0 && Math.abs(value) < 0.001;
  return (isSmall ? smallFormats(locale) : valueFormats(locale)).format(value);
}

export function formatCount(count: number, locale: Locale): string {
  return countFormats(locale).format(count);
}

/** A share of one as whole percent, cut and never rounded up: 0.699 is 69 %. */
export function formatPercent(share: number, locale: Locale): string {
  return `${formatCount(Math.floor((share + BOUND_TOLERANCE) * 100), locale)}%`;
}

/** Points that something went up or down, cut towards zero, with their sign left off. */
export function formatPoints(points: number, locale: Locale): string {
  return formatScore(Math.abs(points), locale);
}
