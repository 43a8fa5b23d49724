/** The pages, each read from the host when it is first opened, so that the first one stands early. */
export const pages = {
  home: () => import('./HomePage.svelte'),
  models: () => import('./ModelsPage.svelte'),
  datasets: () => import('./DatasetsPage.svelte'),
  newRun: () => import('./NewRunPage.svelte'),
  runs: () => import('./RunsPage.svelte'),
  run: () => import('./RunPage.svelte'),
  adapters: () => import('./AdaptersPage.svelte'),
  playground: () => import('./PlaygroundPage.svelte'),
  export: () => import('./ExportPage.svelte'),
  settings: () => import('./SettingsPage.svelte'),
};

/** Safari has no idle callback. */
const whenIdle = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 200));

/**
 * Reads the other pages one after the other while nothing else goes on; one that cannot be read is asked for again when
 * opened.
 */
export function readAhead(): void {
  const left = Object.values(pages);
  const next = (): void => {
    const load = left.shift();
    if (load) whenIdle(() => void load().then(next, next));
  };
  next();
}
