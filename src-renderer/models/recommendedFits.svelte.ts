/** In which form each recommended model fits this machine, asked for one after the other and kept for all pages. */
import { SvelteMap } from 'svelte/reactivity';
import type { ModelFit } from '../../src-shared/plan.ts';
import { RECOMMENDED_MODELS } from '../../src-shared/recommendedModels.ts';
import { ALONE, api } from '../lib/api.ts';
import { Action } from '../lib/action.svelte.ts';

class RecommendedFits {
  readonly known = new SvelteMap<string, ModelFit>();
  readonly asking = new Action();
  #viewers = 0;
  #isLoading = false;

  /** Asks while somebody looks; the returned function ends that. */
  watch(): () => void {
    this.#viewers++;
    void this.load();
    return () => void this.#viewers--;
  }

  /** Asks for those that are not known yet, up to the first failure. */
  async load(): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    for (const { repository } of RECOMMENDED_MODELS) {
      if (this.known.has(repository)) continue;
      if (this.#viewers === 0) break;
      const fit = await this.asking.run(() => api.models.recommendedFit.query({ repository }, ALONE));
      if (!fit) break;
      this.known.set(repository, fit);
    }
    this.#isLoading = false;
  }
}

export const recommendedFits = new RecommendedFits();
