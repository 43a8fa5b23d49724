/** Whether a registered model is still what it was, at the price of a few `stat` calls. */
import fs from 'node:fs';
import path from 'node:path';
import type { RegisteredModel } from '../../catalog/models.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { look } from '../looking/look.ts';
import { weightFileStats } from './read.ts';

type ModelState = 'ok' | 'missing' | 'changed' | 'broken';

export interface ModelView extends RegisteredModel {
  state: ModelState;
  /** One sentence where the state is not ok. */
  reason: string | null;
  /** The run that made it by fine-tuning another one whole; null for all others. */
  runId: string | null;
}

type Look = Omit<ModelView, 'runId'>;

/**
 * The model with its state. Where sizes or times differ from those kept, the fingerprint decides whether it is another
 * model; `touched` is told of a model that is the same after all, so that the next look is cheap again.
 */
export async function viewModel(model: RegisteredModel, touched: (model: RegisteredModel) => void): Promise<Look> {
  const view = (state: ModelState, reason: string | null): Look => ({ ...model, state, reason });
  const stat = fs.statSync(model.dir, { throwIfNoEntry: false });
  if (!stat?.isDirectory())
    return view('missing', `The folder ${model.dir} is gone; choose its new place, or remove the model from the list.`);
  if (model.gguf && !fs.existsSync(model.gguf.file))
    return view(
      'missing',
      `The file ${model.gguf.file} is gone; choose its new place, or remove the model from the list.`,
    );
  const missing = ['config.json', ...(model.tokenizer ? ['tokenizer.json'] : [])].find(
    (name) => !fs.existsSync(path.join(model.dir, name)),
  );
  if (missing)
    return view(
      'broken',
      `${model.dir} has no ${missing} any more; put it back, choose another folder, or remove the model from the list.`,
    );
  if (model.files && JSON.stringify(weightFileStats(model.dir)) === JSON.stringify(model.files))
    return view('ok', null);
  try {
    const now = await look('readModel', [model.dir]);
    if (now.hash !== model.hash)
      return view(
        'changed',
        `The weights in ${model.dir} are not those that were added; adapters trained on ${model.name} do not fit them.`,
      );
    touched({ ...model, ...now });
    return view('ok', null);
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return view('broken', error.message);
  }
}
