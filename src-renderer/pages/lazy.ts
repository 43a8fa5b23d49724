/** The pages, each loaded when it is first opened, so that the first one shows early. */
export const pages = {
  home: () => import('./home/HomePage.svelte'),
  models: () => import('./models/ModelsPage.svelte'),
  datasets: () => import('./datasets/DatasetsPage.svelte'),
  newRun: () => import('./newRun/NewRunPage.svelte'),
  runs: () => import('./runs/RunsPage.svelte'),
  run: () => import('./run/RunPage.svelte'),
  compareRuns: () => import('./compareRuns/CompareRunsPage.svelte'),
  study: () => import('./study/StudyPage.svelte'),
  adapters: () => import('./adapters/AdaptersPage.svelte'),
  playground: () => import('./playground/PlaygroundPage.svelte'),
  collect: () => import('./playground/CollectPage.svelte'),
  evaluate: () => import('./evaluate/EvaluatePage.svelte'),
  suite: () => import('./evaluate/SuitePage.svelte'),
  lab: () => import('./lab/LabPage.svelte'),
  export: () => import('./export/ExportPage.svelte'),
  serve: () => import('./serve/ServePage.svelte'),
  settings: () => import('./settings/SettingsPage.svelte'),
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
