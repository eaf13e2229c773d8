/**
 * What the page shows, written in its address after the `#`, so that the back
 * button leads from a township to the list and an address can be sent to others.
 *
 * `#/` · `#/alerts` · `#/things` · `#/ledger` · `#/t/330225101` · `#/t/330225101/safety`
 */

export type View = 'overview' | 'alerts' | 'things' | 'ledger';
export type DetailIndex = 'flood' | 'safety';
export type Route = { view: View; township: string | null; index: DetailIndex };

export const START: Route = { view: 'overview', township: null, index: 'flood' };

const VIEWS: readonly View[] = ['alerts', 'things', 'ledger'];
const TOWNSHIP = /^[0-9]{6,12}$/;

/** `null` for what is no address of the page, as that of the skip link. */
export function parseRoute(hash: string): Route | null {
  if (hash === '' || hash === '#') return START;
  if (!hash.startsWith('#/')) return null;
  const [first = '', second = '', third] = hash.slice(2).split('/');
  if (first === 't' && TOWNSHIP.test(second)) {
    return { view: 'overview', township: second, index: third === 'safety' ? 'safety' : 'flood' };
  }
  const view = VIEWS.find((each) => each === first);
  return view === undefined ? START : { ...START, view };
}

export function formatRoute(route: Route): string {
  if (route.township !== null) {
    return `#/t/${route.township}${route.index === 'safety' ? '/safety' : ''}`;
  }
  return route.view === 'overview' ? '#/' : `#/${route.view}`;
}
