import { expect, test } from 'vitest';

import { formatRoute, hrefOf, indexOf, parseRoute } from '../src/lib/domain/route';

const there = (address: string) => {
  const url = new URL(address, 'http://x');
  return parseRoute(url.pathname, url.search);
};

test.each([
  '/',
  '/alerts',
  '/alerts/a-5512?class=life',
  '/situation',
  '/things',
  '/things/hm-001',
  '/townships/330225101',
  '/townships/330225101?index=safety',
  '/history?s=hm-001/wind_speed,hm-002/tide_level&span=24h',
  '/wall',
  '/admin/models',
])('the address %s leads where it came from', (address) => {
  expect(formatRoute(there(address))).toBe(address);
});

test.each([
  '/nowhere',
  '/townships',
  '/things/../x',
  '/situation/330225101',
  '/a/b/c',
  '/things/A',
])('%s is no view of the page', (address) => {
  const url = address.includes('..') ? { pathname: address, search: '' } : null;
  const found = url === null ? there(address) : parseRoute(url.pathname, url.search);
  expect(found.view).toBe('missing');
});

test('what was not chosen is not written', () => {
  expect(hrefOf.view('history', { s: '', span: '' })).toBe('/history');
  expect(indexOf(there('/townships/330225101?index=else'))).toBe('flood');
});
