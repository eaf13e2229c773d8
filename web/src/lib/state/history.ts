/** Reads what the history view shows: lines of readings and scores, and events of the time. */

import { acts } from '../api/acts';
import { readRows, readScores, type Span, type Windows } from '../api/series';
import { withGaps, type ChartLine, type EventMark } from '../chart/lines';
import type { Source } from '../domain/history-query';
import { levelRank } from '../domain/level';
import { truncateToTenth } from '../format/number';
import { parseTime } from '../format/time';
import { catalogue, FLOOD, SAFETY } from './catalogue.svelte';
import { declarations } from './declarations.svelte';
import { alertName, datastreamName, thingName, townshipName } from './names';
import { preferences } from './preferences.svelte';

/** A score is stored at least each whole hour; a longer silence is one. */
const SCORE_GAP_MS = 2 * 3_600_000;
const EVENTS_READ = 500;
/** More marks than this hide the lines; the worst are kept. */
const EVENTS_MAX = 12;

export type Read = { line: ChartLine; isCut: boolean };

export async function readSource(source: Source, span: Span, windows: Windows): Promise<Read> {
  if (source.kind === 'score') {
    const { points, isCut } = await readScores(source.index, source.township, span);
    const line: ChartLine = {
      key: source.key,
      label: sourceName(source),
      unit: '{score}',
      times: points.map((point) => parseTime(point.time) ?? 0),
      values: points.map((point) => (point.score === null ? null : truncateToTenth(point.score))),
      isStepped: true,
    };
    return { line: withGaps(line, SCORE_GAP_MS), isCut };
  }
  const [, last = ''] = source.id.split('/');
  const [property = ''] = last.split(':');
  const { times, values, unit, isCut } = await readRows(source.id, span, windows);
  const isState = preferences.t.states[property] !== undefined;
  const line = { key: source.key, label: sourceName(source), unit, times, values };
  const period = catalogue.properties.get(property)?.period_s ?? null;
  const gap = windows === null && period !== null ? 3 * period * 1000 : null;
  return { line: withGaps({ ...line, isStepped: isState }, gap), isCut };
}

export function sourceName(source: Source): string {
  if (source.kind === 'score') return `${townshipName(source.township)} ${indexName(source.index)}`;
  const [thing = '', last = ''] = source.id.split('/');
  const [property = '', channel = null] = last.split(':');
  return `${thingName(thing)} ${datastreamName({ property, channel })}`;
}

export function indexName(index: string): string {
  const { t } = preferences;
  if (index === FLOOD) return t.flood.short;
  return index === SAFETY ? t.safety.short : index;
}

/** Alerts that were raised, signals and responses that were issued within the span. */
export async function readEvents(span: Span): Promise<EventMark[]> {
  const [alerts] = await Promise.all([acts.alerts({ limit: EVENTS_READ }), declarations.load()]);
  const { t } = preferences;
  const marks = [
    ...alerts.map((alert) => {
      const time = parseTime(alert.opened);
      return { time, level: alert.level_highest, label: alertName(alert) };
    }),
    ...declarations.signals.map((signal) => {
      const label = `${signal.issuer} ${t.declarations.signal(t.declarations.kinds[signal.kind])}`;
      return { time: parseTime(signal.issued), level: signal.level, label };
    }),
    ...declarations.responses.map((response) => {
      const label = `${response.issuer} ${t.declarations.response[response.level]}`;
      return { time: parseTime(response.issued), level: response.level, label };
    }),
  ];
  return marks
    .flatMap((mark) => (mark.time === null ? [] : [{ ...mark, time: mark.time }]))
    .filter((mark) => mark.time >= span.from && mark.time < span.to)
    .sort((a, b) => levelRank(b.level) - levelRank(a.level) || b.time - a.time)
    .slice(0, EVENTS_MAX)
    .sort((a, b) => a.time - b.time)
    .map((mark, place) => ({ ...mark, key: String(place + 1) }));
}
