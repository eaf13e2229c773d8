/**
 * What the page shows, written in its address, so that the back button leads
 * from a township to the list and any view can be sent to others as a link.
 *
 * `/` · `/townships/330225101?index=safety` · `/things` · `/things/hm-001` ·
 * `/alerts` · `/situation` · `/history?s=hm-001/wind_speed&span=24h` · `/wall` · `/admin/models`
 */

const VIEWS = ['situation', 'alerts', 'things', 'history', 'wall', 'admin'] as const;

export type View = 'overview' | 'township' | 'thing' | 'missing' | (typeof VIEWS)[number];
export type DetailIndex = 'flood' | 'safety';
export type AdminPart = 'ledger' | 'system' | 'readiness' | 'models' | 'access';
export type Query = Readonly<Record<string, string>>;

/** `id`: of the township, the thing, the alert, or the part of the administration. */
export type Route = { view: View; id: string; query: Query };

export const ADMIN_PARTS: readonly AdminPart[] = [
  'ledger',
  'system',
  'readiness',
  'models',
  'access',
];
export const START: Route = { view: 'overview', id: '', query: {} };

const ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const PREFIX: Partial<Record<View, string>> = { township: 'townships', thing: 'things' };
const ONE_OF: Record<string, View> = { townships: 'township', things: 'thing' };
/** Views that may name one of theirs after the stroke. */
const WITH_ID: ReadonlySet<View> = new Set<View>(['alerts', 'admin']);

export function parseRoute(path: string, search: string): Route {
  const query = Object.fromEntries(new URLSearchParams(search));
  const parts = path.split('/').filter(Boolean);
  const [first = '', id = ''] = parts;
  if (parts.length === 0) return { ...START, query };
  if (parts.length > 2 || (id !== '' && !ID.test(id))) return { ...START, view: 'missing' };
  const single = ONE_OF[first];
  if (id !== '' && single !== undefined) return { view: single, id, query };
  const view = VIEWS.find((each) => each === first);
  if (view === undefined || (id !== '' && !WITH_ID.has(view))) return { ...START, view: 'missing' };
  return { view, id, query };
}

/** Empty members of the query are left out: an address says only what was chosen. */
export function formatRoute(route: Route): string {
  const { view, id } = route;
  const said = Object.entries(route.query).filter(([, value]) => value !== '');
  const search = new URLSearchParams(said).toString().replaceAll('%2F', '/').replaceAll('%2C', ',');
  const head = view === 'overview' || view === 'missing' ? '' : (PREFIX[view] ?? view);
  return `/${[head, id].filter(Boolean).join('/')}${search === '' ? '' : `?${search}`}`;
}

export const hrefOf = {
  view: (view: View, query: Query = {}) => formatRoute({ view, id: '', query }),
  township: (code: string, index: DetailIndex = 'flood') =>
    formatRoute({ view: 'township', id: code, query: indexQuery(index) }),
  thing: (id: string) => formatRoute({ view: 'thing', id, query: {} }),
  alert: (id: string) => formatRoute({ view: 'alerts', id, query: {} }),
  admin: (part: AdminPart) => formatRoute({ view: 'admin', id: part, query: {} }),
  series: (ids: readonly string[]) => hrefOf.view('history', { s: ids.join(',') }),
};

/** Index B is what a township is opened for; only the other one is written. */
export function indexQuery(index: DetailIndex): Query {
  return index === 'safety' ? { index } : {};
}

export function indexOf(route: Route): DetailIndex {
  return route.query['index'] === 'safety' ? 'safety' : 'flood';
}
