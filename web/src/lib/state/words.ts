/** Small phrases in the language of the page, from values. */

import type { LocalizedName } from '../api/types';
import { formatCount, formatValue } from '../format/number';
import { ageOf } from '../format/time';
import { preferences } from './preferences.svelte';

export function ageText(ageMs: number): string {
  const age = ageOf(ageMs);
  return preferences.t.age[age.unit](formatCount(age.n, preferences.locale));
}

/** A span that somebody may choose: hours, or from three days on days. */
export function spanText(hours: number): string {
  const { t, locale } = preferences;
  if (hours < 72) return t.chart.hours(formatCount(hours, locale));
  return t.chart.days(formatCount(hours / 24, locale));
}

/** A length of time in the largest unit that is reached. */
export function durationText(ms: number): string {
  const age = ageOf(ms);
  return preferences.t.duration[age.unit](formatCount(age.n, preferences.locale));
}

/** The unit as people write it; a UCUM code without such a word stays as it is. */
export function unitText(ucum: string): string {
  return preferences.t.units[ucum] ?? ucum;
}

export function valueText(value: number, ucum: string): string {
  const unit = unitText(ucum);
  const number = formatValue(value, preferences.locale);
  return unit === '' ? number : `${number} ${unit}`;
}

/** A reading as people say it: a state has a word, a quantity a figure with its unit. */
export function readingText(property: string, value: number, ucum: string): string {
  return preferences.t.states[property]?.[value] ?? valueText(value, ucum);
}

/** What tells it apart from others of its property, as `sos` and `mob`. */
export function channelText(channel: string): string {
  return preferences.t.channels[channel] ?? channel;
}

/** A name if there is one, else the id, which is never wrong. */
export function nameOrId(name: LocalizedName | null, id: string): string {
  return name === null ? id : preferences.name(name);
}
