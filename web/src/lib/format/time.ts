/** Instants and ages. All clock times on the page are Asia/Shanghai, and say so. */

import { LANGUAGE_TAG, type Locale } from './number';

export const TIME_ZONE = 'Asia/Shanghai';

const DAY_MS = 86_400_000;
const HALF_YEAR_MS = 182 * DAY_MS;

type Style = 'day' | 'monthDay' | 'second' | 'minute';

/** In English the month is a word: 08/07 would be read in two ways. */
const ENGLISH: Partial<Record<Style, Intl.DateTimeFormatOptions>> = {
  day: { year: 'numeric', month: 'short', day: 'numeric' },
  monthDay: { month: 'short', day: 'numeric' },
};

const STYLES: Record<Style, Intl.DateTimeFormatOptions> = {
  day: { year: 'numeric', month: '2-digit', day: '2-digit' },
  monthDay: { month: '2-digit', day: '2-digit' },
  second: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  minute: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
};

const formats = new Map<string, Intl.DateTimeFormat>();

function format(ms: number, style: Style, locale: Locale): string {
  const key = `${style} ${locale}`;
  let made = formats.get(key);
  if (made === undefined) {
    const styled = (locale === 'en' ? ENGLISH[style] : undefined) ?? STYLES[style];
    made = new Intl.DateTimeFormat(LANGUAGE_TAG[locale], { ...styled, timeZone: TIME_ZONE });
    formats.set(key, made);
  }
  return made.format(ms);
}

/** Milliseconds of an RFC 3339 instant, or null for what is none. */
export function parseTime(text: string | null | undefined): number | null {
  const ms = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

export const formatDay = (ms: number, locale: Locale) => format(ms, 'day', locale);
export const formatDayMonth = (ms: number, locale: Locale) => format(ms, 'monthDay', locale);
export const formatClock = (ms: number, locale: Locale) => format(ms, 'second', locale);

function isSameDay(ms: number, now: number, locale: Locale): boolean {
  return Math.abs(now - ms) < DAY_MS && format(ms, 'day', locale) === format(now, 'day', locale);
}

/** The time of day, with the day before it unless that is the day of `now`. */
export function formatInstant(ms: number, now: number, locale: Locale): string {
  const time = format(ms, 'second', locale);
  return isSameDay(ms, now, locale) ? time : `${format(ms, 'day', locale)} ${time}`;
}

/** The same to the minute, for what is read at a glance; the year only if it is another one. */
export function formatMinute(ms: number, now: number, locale: Locale): string {
  const time = format(ms, 'minute', locale);
  if (isSameDay(ms, now, locale)) return time;
  const isNear = Math.abs(now - ms) < HALF_YEAR_MS;
  return `${format(ms, isNear ? 'monthDay' : 'day', locale)} ${time}`;
}

export type Age = { n: number; unit: 'second' | 'minute' | 'hour' | 'day' };

/** The age in the largest unit that is reached, cut to whole ones; never below zero. */
export function ageOf(ageMs: number): Age {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 120) return { n: seconds, unit: 'second' };
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return { n: minutes, unit: 'minute' };
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return { n: hours, unit: 'hour' };
  return { n: Math.floor(hours / 24), unit: 'day' };
}
