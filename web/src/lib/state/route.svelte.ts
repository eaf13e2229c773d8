/** The part of the page that is shown, kept in the address. */

import {
  formatRoute,
  indexQuery,
  parseRoute,
  START,
  type DetailIndex,
  type Query,
  type Route,
  type View,
} from '../domain/route';

class RouteState {
  current: Route = $state.raw(START);
  readonly township: string | null = $derived(
    this.current.view === 'township' ? this.current.id : null,
  );

  /** Follows address and links; ends with the function it gives back. */
  follow(): () => void {
    const read = () => {
      this.current = parseRoute(location.pathname, location.search);
    };
    const click = (event: MouseEvent) => this.#click(event);
    read();
    addEventListener('popstate', read);
    document.addEventListener('click', click);
    return () => {
      removeEventListener('popstate', read);
      document.removeEventListener('click', click);
    };
  }

  go(route: Route): void {
    if (formatRoute(route) === formatRoute(this.current)) return;
    const isOtherView = route.view !== this.current.view || route.id !== this.current.id;
    history.pushState(null, '', formatRoute(route));
    this.current = route;
    if (isOtherView) scrollTo({ top: 0 });
  }

  view(view: View): void {
    this.go({ ...START, view });
  }

  /** Changes what was chosen within the view, without a step for the back button. */
  choose(query: Query): void {
    this.current = { ...this.current, query: { ...this.current.query, ...query } };
    history.replaceState(null, '', formatRoute(this.current));
  }

  index(index: DetailIndex): void {
    this.current = { ...this.current, query: indexQuery(index) };
    history.replaceState(null, '', formatRoute(this.current));
  }

  /** A plain click on a link to another view changes the view; all others are the browser's. */
  #click(event: MouseEvent): void {
    const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey);
    if (event.defaultPrevented || !isPlain || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
    const href = link?.getAttribute('href') ?? '';
    if (!href.startsWith('/') || link?.hasAttribute('download')) return;
    const url = new URL(href, location.href);
    const route = parseRoute(url.pathname, url.search);
    if (url.origin !== location.origin || route.view === 'missing') return;
    event.preventDefault();
    this.go(route);
  }
}

export const route = new RouteState();
