/**
 * Loss and perplexity of a base model, with or without an adapter, on a dataset; accuracy and F1 of one that classifies
 * texts.
 */
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { evaluationBatches } from '../../datasets/batches.ts';
import type { StoredAdapter } from '../../adapters/stored.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { assertTrainable } from '../../datasets/dataset.ts';
import { prepareTokens, type PreparedTokens } from '../../datasets/tokens/preparedTokens.ts';
import { changedRows, type RowList } from '../../datasets/tokens/rowList.ts';
import { rowNotes } from '../../datasets/rowNotes.ts';
import { readGraftInfo } from '../../adapters/files.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { withVirtualTokens, type VirtualLayout } from '../../datasets/virtualTokens.ts';
import { splitRowList } from '../../datasets/split.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { Adapter } from '../../methods/adapter.ts';
import { SCORE } from '../../engine/model/tensorNames.ts';
import { classScores, evaluateClasses } from '../../engine/train/classification.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import { loadStored } from '../../methods/adapterFolder.ts';
import { useBackend } from '../backend.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { baseFormsOf } from '../../../src-shared/baseDtypes.ts';
import type { EvaluatedRows, EvaluateResult } from '../../../src-shared/training.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';

type Params = WorkerCalls['evaluate']['params'];

export async function evaluate(
  params: Params,
  emit: (event: WorkerCalls['evaluate']['event']) => void,
): Promise<EvaluateResult> {
  const base = openBaseModel(params.modelDir);
  try {
    await useBackend(params.engine);
    const stored = params.adapterDir === undefined ? null : readAdapter(params.adapterDir);
    const adapter = stored && loadStored(stored, base);
    try {
      const labels = stored && adapter ? labelsOf(stored, adapter) : undefined;
      return await evaluateWith(adapter, labels, base, params, emit);
    } finally {
      adapter?.dispose();
    }
  } finally {
    base.close();
  }
}

async function evaluateWith(
  adapter: Adapter | null,
  labels: string[] | undefined,
  base: BaseModel,
  params: Params,
  emit: (event: WorkerCalls['evaluate']['event']) => void,
): Promise<EvaluateResult> {
  const tokenizer = loadTokenizer(params.modelDir);
  const virtual = layoutOf(adapter, base.spec.vocab, params.data.lossOn);
  const longest = base.spec.maxPositions - virtual.prefix - virtual.infix;
  // In the frame that is asked for, so that the base can be measured like an adapter; else in the adapter's own.
  const asTrained = params.adapterDir !== undefined && params.data.promptTemplate === undefined;
  const prepared = await prepareTokens({
    ...params.data,
    ...(asTrained ? { keptTemplate: readGraftInfo(params.adapterDir!)?.promptTemplate } : {}),
    modelDir: params.modelDir,
    maxLength: Math.min(params.data.maxLength, longest),
    tokenizer,
    vocab: base.spec.vocab,
    classify: labels !== undefined,
    labels,
  });
  try {
    assertTrainable(prepared, { modelLength: longest });
    const added = virtual.prefix + virtual.infix;
    const examples = changedRows(rowsToEvaluate(prepared, params), (row) => withVirtualTokens(row, virtual), added);
    const losses = await evaluateRows(examples, { adapter, labels, base, padId: tokenizer.padId }, params, emit);
    return { ...evaluatedRows(prepared, params.data), ...losses };
  } finally {
    prepared.close();
  }
}

async function evaluateRows(
  examples: RowList,
  {
    adapter,
    labels,
    base,
    padId,
  }: { adapter: Adapter | null; labels: string[] | undefined; base: BaseModel; padId: number },
  params: Params,
  emit: (event: WorkerCalls['evaluate']['event']) => void,
): Promise<Omit<EvaluateResult, keyof EvaluatedRows>> {
  const model = (await loadDecoder(base, baseFormsOf(params))).with(adapter);
  const total = Math.ceil(examples.length / params.batch);
  const batches = evaluationBatches(examples, params.batch, padId);
  const onBatch = (done: number): void => emit({ done, total });
  if (labels) {
    const { loss, predicted, actual } = await evaluateClasses(model, batches, onBatch);
    model.dispose();
    assertNumber(loss, params);
    return {
      loss,
      perplexity: Math.exp(loss),
      tokens: actual.length,
      rows: actual.length,
      scores: { ...classScores(predicted, actual, labels.length), labels },
    };
  }
  const { loss, tokens } = await evaluateLoss(model, batches, onBatch);
  model.dispose();
  assertNumber(loss, params);
  return { loss, perplexity: Math.exp(loss), tokens, rows: examples.length };
}

/** Throws LOSS_NOT_FINITE. */
function assertNumber(loss: number, { modelDir, adapterDir }: Params): void {
  if (Number.isFinite(loss)) return;
  const what = adapterDir === undefined ? modelDir : `${modelDir} with ${adapterDir}`;
  throw new GraftError(
    'LOSS_NOT_FINITE',
    `The loss of ${what} is no number on these rows: its weights hold values that are none, or are too large to be ` +
      'added up; download the model again, or train the adapter at a lower rate.',
    { modelDir, adapterDir },
  );
}

/** Throws DATASET_CHANGED where the rows of a run are asked for and the file is another by now. */
function rowsToEvaluate({ examples, sha256 }: PreparedTokens, { data, heldOut }: Params): RowList {
  if (!heldOut) return examples;
  const { val, seed, hash } = heldOut;
  if (hash !== undefined && hash !== sha256)
    throw new GraftError(
      'DATASET_CHANGED',
      `${data.file} has changed since the run, so its validation rows are not known; name a dataset to measure on.`,
      { file: data.file },
    );
  return splitRowList(examples, val, seed).val;
}

function evaluatedRows(prepared: PreparedTokens, data: Params['data']): EvaluatedRows {
  const { maxLength, bad, unused, controlTokenRows, stats } = prepared;
  const limitedByModel = maxLength < data.maxLength;
  const notes = rowNotes(prepared, { limitedByModel, controlTokens: data.controlTokens === true });
  if (prepared.kind === 'preference') notes.unshift('Of each pair only the chosen answer is measured.');
  return { maxLength, limitedByModel, cutRows: stats.truncated, badRows: bad, unused, controlTokenRows, notes };
}

/** The classes of an adapter that classifies texts; one made elsewhere, which does not name them, has 0, 1, 2 … */
function labelsOf({ graft }: StoredAdapter, adapter: Adapter): string[] | undefined {
  const score = adapter.overrides?.get(SCORE);
  if (!score) return undefined;
  const [classes = 0] = score.value.shape;
  return graft?.labels ?? Array.from({ length: classes }, (_, i) => String(i));
}

/** Throws INFIX_NEEDS_ANSWERS where an infix has no place. */
function layoutOf(adapter: Adapter | null, vocab: number, lossOn: Params['data']['lossOn']): VirtualLayout {
  const { prefix, infix } = adapter?.virtual ?? { prefix: 0, infix: 0 };
  if (infix > 0 && lossOn === 'all') {
    throw usageError(
      'INFIX_NEEDS_ANSWERS',
      'This adapter has an infix between prompt and answer, but with the loss on all tokens there is no such ' +
        'place; put the loss on completions.',
    );
  }
  return { prefix, infix, vocab };
}
