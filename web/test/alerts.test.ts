import { expect, test } from 'vitest';

import type { EmergencyResponse, Signal } from '../src/lib/api/types';
import {
  countByClass,
  filterAlerts,
  marksOf,
  newlyUrgent,
  recentlyClosed,
  sortAlerts,
  urgentAlerts,
} from '../src/lib/domain/alerts';
import { inForce } from '../src/lib/domain/declarations';
import { isInstant, parseReason } from '../src/lib/domain/reasons';
import { alert } from './fixtures';

const at = (minute: number) => `2026-07-25T08:${String(minute).padStart(2, '0')}:00.000+08:00`;
const ids = (alerts: readonly { id: string }[]) => alerts.map((each) => each.id).join(' ');

test('lives come first, then what nobody took up, the worse, the newer; quiet ones last', () => {
  const sorted = sortAlerts([
    alert('quiet', { class: 'life', level: 'red', silenced: true }),
    alert('old'),
    alert('new', { opened: at(30) }),
    alert('known', { level: 'red', acknowledged_by: 'wang', phase: 'acknowledged' }),
    alert('worse', { level: 'red' }),
    alert('life', { class: 'life', level: 'yellow' }),
    alert('pending', { phase: 'pending' }),
    alert('over', { phase: 'resolved' }),
  ]);
  expect(ids(sorted)).toBe('life worse new old known quiet');
  expect(countByClass(sorted)).toEqual({ life: 2, hazard: 4, equipment: 0 });
  expect(ids(filterAlerts(sorted, { class: 'life', township: '' }))).toBe('life quiet');
  expect(filterAlerts(sorted, { class: '', township: '330225999' })).toEqual([]);
});

test('an alert about a life is urgent until somebody takes it up, and new only once', () => {
  const life = alert('life', { class: 'life' });
  const taken = alert('taken', { class: 'life', acknowledged_by_unit: at(12) });
  const urgent = urgentAlerts([life, taken, alert('hazard')]);
  expect(ids(urgent)).toBe('life');
  expect(newlyUrgent(urgent, null)).toEqual([]);
  expect(ids(newlyUrgent(urgent, new Set()))).toBe('life');
  expect(newlyUrgent(urgent, new Set(['life']))).toEqual([]);
});

test('all that is not usual about an alert has a mark', () => {
  expect(marksOf(alert('plain'))).toEqual([]);
  const fields = { escalated: true, is_late: true, needs_person: true, data_missing: true };
  const odd = alert('odd', { ...fields, confirmed_level: 'none', phase: 'resolving' });
  expect(marksOf(odd)).toEqual([
    'escalated',
    'unconfirmed',
    'late',
    'needs_person',
    'data_missing',
    'resolving',
  ]);
});

test('what was closed stays in sight for a while', () => {
  const closed = (id: string, minute: number) =>
    alert(id, { phase: 'resolved', closed: at(minute) });
  const all = [closed('early', 5), closed('late', 40), closed('middle', 30), alert('open')];
  expect(ids(recentlyClosed(all, Date.parse(at(45)), 1_800_000))).toBe('late middle');
});

const declared = {
  issuer: '模拟气象台',
  issued: at(0),
  valid_from: at(0),
  valid_until: at(50),
  cancelled: null,
  note: null,
};

function signal(id: string, fields: Partial<Signal>): Signal {
  return { ...declared, id, kind: 'typhoon', level: 'orange', area: 'county', ...fields };
}

const forceAt = (minute: number, signals: Signal[]) =>
  inForce(signals, ['1', '2'], Date.parse(at(minute))).map(
    ({ document, townships }) => `${document.id} ${townships?.join() ?? 'county'}`,
  );

test('of one issuer and kind the newest issue wins, township by township', () => {
  const all = [
    signal('a', {}),
    signal('b', { issued: at(10), valid_from: at(10), level: 'red', area: { townships: ['2'] } }),
    signal('c', { issuer: '市气象台', level: 'blue' }),
    signal('d', { kind: 'rainstorm', level: 'yellow' }),
  ];
  expect(forceAt(9, all)).toEqual(['a county', 'd county', 'c county']);
  expect(forceAt(10, all)).toEqual(['b 2', 'a 1', 'd county', 'c county']);
});

test('what is cancelled or over holds no longer, and an older one does not come back', () => {
  const all = [signal('a', {}), signal('b', { issued: at(10), cancelled: at(20) })];
  expect(forceAt(19, all)).toEqual(['b county']);
  expect(forceAt(20, all)).toEqual([]);
  expect(forceAt(49, [signal('a', {})])).toEqual(['a county']);
  expect(forceAt(50, [signal('a', {})])).toEqual([]);
});

test('a response without an end holds until it is cancelled', () => {
  const response: EmergencyResponse = {
    ...declared,
    id: 'r',
    level: 'red',
    area: 'county',
    valid_until: null,
  };
  const later = Date.parse('2027-01-01T00:00:00+08:00');
  expect(inForce([response], ['1'], later)).toHaveLength(1);
});

test('reasons are taken apart into word and figures', () => {
  expect(parseReason('held')).toEqual({ word: 'held', args: [] });
  expect(parseReason('unmoved 120 of 433')).toEqual({ word: 'unmoved', args: ['120', '433'] });
  expect([isInstant(at(1)), isInstant('433'), isInstant('2026-99-99T')]).toEqual([
    true,
    false,
    false,
  ]);
});
