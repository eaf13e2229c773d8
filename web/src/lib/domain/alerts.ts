/** Alerts in the order in which somebody has to look at them. */

import type { Alert, AlertClass, LevelName } from '../api/types';
import { parseTime } from '../format/time';
import { levelRank } from './level';

export const ALERT_CLASSES: readonly AlertClass[] = ['life', 'hazard', 'equipment'];

/** What is worth a word beside an alert, in the order in which it is said. */
export type AlertMark =
  | 'escalated'
  | 'unconfirmed'
  | 'late'
  | 'needs_person'
  | 'in_maintenance'
  | 'data_missing'
  | 'is_false'
  | 'silenced'
  | 'resolving';

export function isClosed(alert: Alert): boolean {
  return alert.phase === 'resolved' || alert.phase === 'forgotten';
}

/** Open and told to people; what is pending may still be forgotten. */
export function isOpen(alert: Alert): boolean {
  return !isClosed(alert) && alert.phase !== 'pending';
}

/** Anybody's acknowledgement counts here; that of the unit alone counts for the caps. */
export function isAcknowledged(alert: Alert): boolean {
  return (
    alert.phase === 'acknowledged' ||
    alert.acknowledged_by !== null ||
    alert.acknowledged_by_unit !== null
  );
}

/** Nobody has to act on it now: somebody said so, or its thing is being worked on. */
export function isQuiet(alert: Alert): boolean {
  return alert.silenced || alert.is_false || alert.in_maintenance;
}

export function marksOf(alert: Alert): AlertMark[] {
  const marks: [AlertMark, boolean][] = [
    ['escalated', alert.escalated && !isAcknowledged(alert)],
    ['unconfirmed', levelRank(alert.confirmed_level) < levelRank(alert.level)],
    ['late', alert.is_late],
    ['needs_person', alert.needs_person],
    ['in_maintenance', alert.in_maintenance],
    ['data_missing', alert.data_missing],
    ['is_false', alert.is_false],
    ['silenced', alert.silenced],
    ['resolving', alert.phase === 'resolving'],
  ];
  return marks.filter(([, holds]) => holds).map(([mark]) => mark);
}

/** Lives first, then what nobody has taken up, the worse, the escalated, the newer. */
export function sortAlerts(alerts: Iterable<Alert>): Alert[] {
  return [...alerts].filter(isOpen).sort(compareAlerts);
}

function compareAlerts(a: Alert, b: Alert): number {
  return (
    Number(isQuiet(a)) - Number(isQuiet(b)) ||
    ALERT_CLASSES.indexOf(a.class) - ALERT_CLASSES.indexOf(b.class) ||
    Number(isAcknowledged(a)) - Number(isAcknowledged(b)) ||
    levelRank(b.level) - levelRank(a.level) ||
    Number(b.escalated) - Number(a.escalated) ||
    (parseTime(b.opened) ?? 0) - (parseTime(a.opened) ?? 0) ||
    a.id.localeCompare(b.id, 'en')
  );
}

/** What is empty or absent lets every alert through. */
export type AlertFilter = {
  class?: AlertClass | '';
  township?: string;
  thing?: string;
  level?: LevelName | '';
};

export function filterAlerts(alerts: readonly Alert[], filter: AlertFilter): Alert[] {
  return alerts.filter(
    (alert) =>
      (!filter.class || alert.class === filter.class) &&
      (!filter.township || alert.township === filter.township) &&
      (!filter.thing || alert.thing === filter.thing) &&
      (!filter.level || levelRank(alert.level) >= levelRank(filter.level)),
  );
}

export function countByClass(alerts: readonly Alert[]): Record<AlertClass, number> {
  const counts = { life: 0, hazard: 0, equipment: 0 };
  for (const alert of alerts) counts[alert.class] += 1;
  return counts;
}

/** Alerts about lives that nobody has taken up. */
export function urgentAlerts(sorted: readonly Alert[]): Alert[] {
  return sorted.filter(
    (alert) => alert.class === 'life' && !isAcknowledged(alert) && !isQuiet(alert),
  );
}

/**
 * Those among `urgent` that were not there before. What was open when the page
 * began (`known` null) is shown, but not called out as new.
 */
export function newlyUrgent(urgent: readonly Alert[], known: ReadonlySet<string> | null): Alert[] {
  return known === null ? [] : urgent.filter((alert) => !known.has(alert.id));
}

/** Closed within the last minutes, newest first: what went away is told, not only gone. */
export function recentlyClosed(alerts: Iterable<Alert>, now: number, withinMs: number): Alert[] {
  const closed = [...alerts].filter((alert) => {
    const at = parseTime(alert.closed ?? alert.updated);
    return alert.phase === 'resolved' && at !== null && now - at <= withinMs;
  });
  const closedAt = (alert: Alert) => parseTime(alert.closed ?? alert.updated) ?? 0;
  return closed.sort((a, b) => closedAt(b) - closedAt(a) || a.id.localeCompare(b.id, 'en'));
}

/** The worst open alert of each thing that has one. */
export function worstByThing(alerts: readonly Alert[]): Map<string, LevelName> {
  const worst = new Map<string, LevelName>();
  for (const alert of alerts) {
    const before = worst.get(alert.thing) ?? 'none';
    if (levelRank(alert.level) > levelRank(before)) worst.set(alert.thing, alert.level);
  }
  return worst;
}
