/** The current route as state, and the way to another page. */
import { hashFor, parseHash, type Page, type Route } from '../../src-shared/routes.ts';

class Router {
  route = $state<Route>(parseHash(window.location.hash));

  constructor() {
    window.addEventListener('hashchange', () => {
      this.route = parseHash(window.location.hash);
    });
  }

  go(page: Page, id?: string, query: Record<string, string> = {}): void {
    window.location.hash = hashFor(page, id, query);
  }
}

export const router = new Router();
