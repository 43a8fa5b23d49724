/** Losses of single rows as they are measured; leaving the page ends the measuring. */
import { api, type LossEvent } from '../../../lib/api.ts';
import { streamOptions } from '../../../lib/stream.ts';

type Measured = Extract<LossEvent, { highest: unknown }>;

export class RowLosses {
  progress = $state.raw<{ done: number; total: number } | undefined>();
  result = $state.raw<Measured | undefined>();
  error = $state<string | undefined>();
  #subscription: { unsubscribe: () => void } | undefined;

  start(input: { id: string; version: number; modelId: string; rows: number }): void {
    this.stop();
    this.error = undefined;
    this.result = undefined;
    this.progress = { done: 0, total: 0 };
    const end = (): void => this.stop();
    this.#subscription = api.datasets.rowLosses.subscribe(
      input,
      streamOptions<LossEvent>(
        {
          data: (event) => {
            if ('done' in event) this.progress = event;
            else this.result = event;
          },
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
    this.progress = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }
}
