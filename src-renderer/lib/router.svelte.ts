/** The current route as state, and the way to another page. */
import { hashFor, parseHash, type Page, type Route } from '../../src-shared/routes.ts';

class Router {
  route = $state<Route>(parseHash(window.location.hash));
  #hash = window.location.hash;

  constructor() {
    window.addEventListener('hashchange', () => this.#read());
  }

  go(page: Page, id?: string, query: Record<string, string> = {}): void {
    window.location.hash = hashFor(page, id, query);
    // The event comes later: a choice that follows at once must build upon this one.
    this.#read();
  }

  #read(): void {
    if (this.#hash === window.location.hash) return;
    this.#hash = window.location.hash;
    this.route = parseHash(this.#hash);
  }
}

export const router = new Router();
