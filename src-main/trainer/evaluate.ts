/** Loss and perplexity of a base model, with or without an adapter, on a dataset. */
import { openCheckpoint, type Checkpoint } from '../checkpoints/checkpoint.ts';
import { collate } from '../datasets/batches.ts';
import { assertTrainable, prepareDataset } from '../datasets/dataset.ts';
import { loadTokenizer } from '../datasets/tokenizer.ts';
import type { TokenisedExample } from '../datasets/types.ts';
import { withVirtualTokens, type VirtualLayout } from '../datasets/virtualTokens.ts';
import { usageError } from '../errors.ts';
import type { Adapter } from '../engine/methods/adapter.ts';
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
    await useEngine(params.engine);
    const adapter = params.adapterDir === undefined ? null : loadAdapter(params.adapterDir, checkpoint);
    try {
      return await evaluateWith(adapter, checkpoint, params, emit);
    } finally {
      adapter?.dispose();
    }
  } finally {
    checkpoint.close();
  }
}

async function evaluateWith(adapter: Adapter | null, checkpoint: Checkpoint, params: Params, emit: (event: WorkerCalls['evaluate']['event']) => void): Promise<EvaluateResult> {
  const tokenizer = loadTokenizer(params.modelDir);
  const virtual = layoutOf(adapter, checkpoint.spec.vocab, params.data.lossOn);
  const longest = checkpoint.spec.maxPositions - virtual.prefix - virtual.infix;
  const prepared = await prepareDataset({ ...params.data, maxLength: Math.min(params.data.maxLength, longest), tokenizer });
  assertTrainable(prepared);
  const examples = prepared.examples.map((example) => withVirtualTokens(example, virtual));
  const model = loadDecoder(checkpoint, { baseDtype: params.baseDtype, forwardOnly: true });
  model.adapter = adapter;
  const total = Math.ceil(examples.length / params.batch);
  const { loss, tokens } = await evaluateLoss(model, evaluationBatches(examples, params.batch, tokenizer.padId), (done) => emit({ done, total }));
  model.dispose();
  return { loss, perplexity: Math.exp(loss), tokens, rows: examples.length };
}

/** Throws INFIX_NEEDS_ANSWERS where an infix has no place. */
function layoutOf(adapter: Adapter | null, vocab: number, lossOn: Params['data']['lossOn']): VirtualLayout {
  const { prefix, infix } = adapter?.virtual ?? { prefix: 0, infix: 0 };
  if (infix > 0 && lossOn === 'all') {
    throw usageError('INFIX_NEEDS_ANSWERS', 'This adapter has an infix between prompt and answer, but with the loss on all tokens there is no such place; put the loss on completions.');
  }
  return { prefix, infix, vocab };
}

/** All examples, those of like length together so that little is padding; the mean does not depend on the order. */
export function* evaluationBatches(examples: TokenisedExample[], batch: number, padId: number): Generator<Batch> {
  const order = examples.map((_, i) => i).sort((a, b) => examples[a]!.ids.length - examples[b]!.ids.length || a - b);
  for (let i = 0; i < order.length; i += batch) yield collate(examples, order.slice(i, i + batch), padId);
}
