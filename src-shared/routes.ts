/** Hash routing: `#/runs/ID` is page `runs`, id `ID`; every page has a link that survives a reload. */
export const PAGES = [
  'home',
  'models',
  'datasets',
  'new-run',
  'runs',
  'adapters',
  'playground',
  'evaluate',
  'lab',
  'export',
  'serve',
  'settings',
] as const;
export type Page = (typeof PAGES)[number];

/** What each page is called, in the navigation and as its heading. */
export const PAGE_TITLES: Record<Page, string> = {
  home: 'Home',
  models: 'Models',
  datasets: 'Datasets',
  'new-run': 'New run',
  runs: 'Runs',
  adapters: 'Adapters',
  playground: 'Playground',
  evaluate: 'Evaluate',
  lab: 'Lab',
  export: 'Export',
  serve: 'Serve',
  settings: 'Settings',
};

/** Pages that show one thing where their address has an id. */
const WITH_ID: readonly Page[] = ['models', 'datasets', 'runs', 'adapters', 'evaluate'];

export interface Route {
  /** Null: the address names no page. */
  page: Page | null;
  /** Decoded. */
  id: string | undefined;
  query: URLSearchParams;
}

/** Splits a location hash; without one the page is `home`. */
export function parseHash(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name = '', id, ...more] = path.split('/');
  const named = name === '' ? 'home' : (PAGES.find((candidate) => candidate === name) ?? null);
  const fits = more.length === 0 && (!id || (named !== null && WITH_ID.includes(named)));
  const page = fits ? named : null;
  return { page, id: id ? decode(id) : undefined, query: new URLSearchParams(search) };
}

/** The hash that parseHash reads back. */
export function hashFor(page: Page, id?: string, query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  return `#/${page}${id ? `/${encodeURIComponent(id)}` : ''}${search ? `?${search}` : ''}`;
}

/** A hand-typed address may hold a broken escape; it then stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
