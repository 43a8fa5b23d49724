/** Lengths of a dataset's rows as they are counted; leaving the page ends the counting. */
import { api, type LengthCounts } from '../../lib/api.ts';
import type { DatasetSource } from './datasetSource.ts';
import { streamOptions } from '../../lib/stream.ts';
import type { tokenSettings } from './tokenSettings.svelte.ts';

export class Lengths {
  counts = $state.raw<LengthCounts | undefined>();
  error = $state<string | undefined>();
  counting = $state(false);
  #subscription: { unsubscribe: () => void } | undefined;

  start(
    source: DatasetSource,
    { modelId, ...rules }: Pick<typeof tokenSettings, 'modelId' | 'lossOn' | 'controlTokens' | 'promptTemplate'>,
  ): void {
    this.stop();
    this.error = undefined;
    this.counting = true;
    const end = (): void => this.stop();
    this.#subscription = api.datasets.lengths.subscribe(
      { ...source, ...rules, ...(modelId ? { modelId } : {}) },
      streamOptions<LengthCounts>(
        {
          data: (counts) => (this.counts = counts),
          failed: (sentence) => {
            this.error = sentence;
            this.stop();
          },
          done: end,
        },
        end,
      ),
    );
  }

  stop(): void {
    this.counting = false;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }
}
