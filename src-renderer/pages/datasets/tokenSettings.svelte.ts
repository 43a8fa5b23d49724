/**
 * The model, maximum length, loss, prompt template and control tokens that a dataset is shown with. Remembered for the
 * next dataset.
 */
import type { PromptTemplate } from '../../../src-shared/promptTemplates.ts';
import { api, type RegisteredModel } from '../../lib/api.ts';
import { Resource } from '../../lib/resource.svelte.ts';

class TokenSettings {
  modelId = $state('');
  maxLength = $state(256);
  lossOn = $state<'completion' | 'all'>('completion');
  controlTokens = $state(false);
  promptTemplate = $state<PromptTemplate>('auto');
  readonly models = new Resource(async () => {
    const models = (await api.models.list.query()).filter((model) => model.tokenizer);
    if (!models.some((model) => model.id === this.modelId)) this.modelId = models.at(-1)?.id ?? '';
    return models;
  });
  readonly model = $derived<RegisteredModel | undefined>(this.models.data?.find((model) => model.id === this.modelId));
  readonly modelLength = $derived(this.model?.maxPositions ?? Infinity);
  /** Tokens at which rows are cut. What was chosen stays chosen, for a model that sees more. */
  readonly cutAt = $derived(Math.min(this.maxLength, this.modelLength));
}

export const tokenSettings = new TokenSettings();
