/** Loss and perplexity of a base model, with or without an adapter, on a dataset. */
import { openCheckpoint } from '../checkpoints/checkpoint.ts';
import { collate } from '../datasets/batches.ts';
import { assertTrainable, prepareDataset } from '../datasets/dataset.ts';
import { loadTokenizer } from '../datasets/tokenizer.ts';
import type { TokenisedExample } from '../datasets/types.ts';
import type { Batch } from '../engine/train/batchLoss.ts';
import { evaluateLoss } from '../engine/train/evaluate.ts';
import { loadAdapter } from './adapterFolder.ts';
import { checkBaseDtype } from './baseDtype.ts';
import { useEngine } from './engines.ts';
import { loadDecoder } from './loadDecoder.ts';
import type { EvaluateResult, WorkerCalls } from './protocol.ts';

type Params = WorkerCalls['evaluate']['params'];

export async function evaluate(params: Params, emit: (event: WorkerCalls['evaluate']['event']) => void): Promise<EvaluateResult> {
  checkBaseDtype(params.baseDtype, params.engine);
  const checkpoint = openCheckpoint(params.modelDir);
  try {
    const tokenizer = loadTokenizer(params.modelDir);
    const prepared = await prepareDataset({ ...params.data, maxLength: Math.min(params.data.maxLength, checkpoint.spec.maxPositions), tokenizer });
    assertTrainable(prepared);
    await useEngine(params.engine);
    const adapter = params.adapterDir === undefined ? null : loadAdapter(params.adapterDir, checkpoint);
    const model = loadDecoder(checkpoint, { baseDtype: params.baseDtype, forwardOnly: true });
    model.adapter = adapter;
    const total = Math.ceil(prepared.examples.length / params.batch);
    const batches = evaluationBatches(prepared.examples, params.batch, tokenizer.padId);
    const { loss, tokens } = await evaluateLoss(model, batches, (done) => emit({ done, total }));
    model.dispose();
    adapter?.dispose();
    return { loss, perplexity: Math.exp(loss), tokens, rows: prepared.examples.length };
  } finally {
    checkpoint.close();
  }
}

/** All examples, those of like length together so that little is padding; the mean does not depend on the order. */
export function* evaluationBatches(examples: TokenisedExample[], batch: number, padId: number): Generator<Batch> {
  const order = examples.map((_, i) => i).sort((a, b) => examples[a]!.ids.length - examples[b]!.ids.length || a - b);
  for (let i = 0; i < order.length; i += batch) yield collate(examples, order.slice(i, i + batch), padId);
}
