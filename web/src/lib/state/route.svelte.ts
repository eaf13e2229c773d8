/** The part of the page that is shown, kept in the address. */

import {
  formatRoute,
  parseRoute,
  START,
  type DetailIndex,
  type Route,
  type View,
} from '../domain/route';

class RouteState {
  current: Route = $state.raw(START);

  /** Follows the address; ends with the function it gives back. */
  follow(): () => void {
    const read = () => {
      this.current = parseRoute(location.hash) ?? this.current;
    };
    read();
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }

  view(view: View): void {
    this.#go({ ...START, view });
  }

  township(township: string, index: DetailIndex = 'flood'): void {
    this.#go({ view: 'overview', township, index });
  }

  closeTownship(): void {
    this.#go({ ...this.current, view: 'overview', township: null });
  }

  #go(route: Route): void {
    location.hash = formatRoute(route);
  }
}

export const route = new RouteState();
