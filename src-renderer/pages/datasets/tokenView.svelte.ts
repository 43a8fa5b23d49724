/** One row token by token, asked for again when the row or the settings change. */
import { counted } from '../../../src-shared/plural.ts';
import { api, type PreviewedTokens, type TokenPreview } from '../../lib/api.ts';
import type { DatasetSource } from './datasetSource.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { tokenSettings as settings } from './tokenSettings.svelte.ts';

export class TokenView {
  /** Place among the good rows. */
  offset = $state(0);
  readonly preview = new Resource<TokenPreview>(() => {
    const { modelId, cutAt: maxLength, lossOn, controlTokens, promptTemplate } = settings;
    const { offset } = this;
    return api.datasets.preview.query({
      ...this.#source(),
      modelId,
      maxLength,
      lossOn,
      controlTokens,
      promptTemplate,
      offset,
      count: 1,
    });
  });
  readonly row = $derived(this.preview.data?.rows[0]);
  #source: () => DatasetSource;

  constructor(source: () => DatasetSource) {
    this.#source = source;
  }

  go(offset: number, total: number): void {
    this.offset = Math.min(Math.max(0, offset), Math.max(0, total - 1));
  }
}

/** What a row will do in training, in words. */
export function rowSummary({ length, labelled, tokens }: PreviewedTokens): string {
  const cut = tokens.filter(({ truncated }) => truncated).length;
  const parts = [counted(length, ['token', 'tokens']), `${labelled} carry loss`];
  if (cut > 0) parts.push(`${length - tokens.length + cut} are cut`);
  return parts.join(', ');
}
