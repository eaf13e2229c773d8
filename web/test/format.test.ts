import { expect, test } from 'vitest';

import { formatScore, formatValue, truncateToTenth } from '../src/lib/format/number';
import { ageOf, formatClock, formatInstant, formatMinute, parseTime } from '../src/lib/format/time';

test.each([
  [89.96, 89.9],
  [89.99, 89.9],
  [90, 90],
  [0, 0],
  [100, 100],
  [59.95, 59.9],
  [39.9999, 39.9],
  [62.4, 62.4],
  [89.99999999995, 90],
  [0.29999999999999993, 0.3],
])('a score of %f is shown as %f, never rounded up', (given, expected) => {
  expect(truncateToTenth(given)).toBe(expected);
});

test('a score always has one decimal', () => {
  expect(formatScore(90, 'zh')).toBe('90.0');
  expect(formatScore(89.96, 'en')).toBe('89.9');
});

test.each([
  [24.5, '24.5'],
  [121.93456, '121.935'],
  [12000, '12,000'],
  [0.00042, '0.00042'],
  [-0.0004, '-0.0004'],
  [0, '0'],
])('a value of %f reads %s', (given, expected) => {
  expect(formatValue(given, 'zh')).toBe(expected);
});

test('times are those of Asia/Shanghai, wherever the browser is', () => {
  const at = parseTime('2026-07-25T00:15:30.000Z');
  expect(at).not.toBeNull();
  expect(formatClock(at ?? 0, 'zh')).toBe('08:15:30');
  expect(formatClock(at ?? 0, 'en')).toBe('08:15:30');
});

test('a date cannot be read in two ways', () => {
  const at = Date.parse('2012-08-07T20:00:00+08:00');
  const later = at + 2 * 86_400_000;
  expect(formatMinute(at, later, 'zh')).toBe('08/07 20:00');
  expect(formatMinute(at, later, 'en')).toBe('7 Aug 20:00');
  expect(formatInstant(at, later, 'en')).toBe('7 Aug 2012 20:00:00');
});

test('an instant of another day says which', () => {
  const at = Date.parse('2026-07-25T23:50:00+08:00');
  const sameDay = Date.parse('2026-07-25T23:59:00+08:00');
  const nextDay = Date.parse('2026-07-26T00:01:00+08:00');
  expect(formatInstant(at, sameDay, 'zh')).toBe('23:50:00');
  expect(formatInstant(at, nextDay, 'zh')).toContain('2026');
  expect(formatInstant(at, at + 400 * 86_400_000, 'en')).toContain('2026');
});

test.each([
  [-5000, 0, 'second'],
  [119_999, 119, 'second'],
  [120_000, 2, 'minute'],
  [7_199_999, 119, 'minute'],
  [7_200_000, 2, 'hour'],
  [172_800_000, 2, 'day'],
])('an age of %i ms is %i %ss', (given, n, unit) => {
  expect(ageOf(given)).toEqual({ n, unit });
});

test('what is no time is none', () => {
  expect(parseTime('yesterday')).toBeNull();
  expect(parseTime(null)).toBeNull();
});
