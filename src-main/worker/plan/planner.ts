/**
 * What a run would come to, before it starts and without loading the model: rows, steps and tokens from the tokenised
 * data, memory from a step on shapes alone. Tokenised rows are kept, so that a changed setting is answered at once.
 */
import { runWarnings } from '../../../src-shared/runWarnings.ts';
import { badRowsText } from '../../datasets/dataset.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import { countTokens, type Batch } from '../../engine/train/batchLoss.ts';
import { checkClassify } from '../../methods/checkMethod.ts';
import { estimateMemory } from './estimate.ts';
import { largestThatFit, NO_LARGEST } from './largest.ts';
import { longestBatch } from './longestBatch.ts';
import { memoryLimitBytes } from '../train/memoryGuard.ts';
import type { PlanResult, PreflightResult, Room, Verdict } from '../../../src-shared/plan.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { prepareRows, splitRows, type PreparedRows, type RunData } from '../train/data.ts';
import { batchPlanOf, totalStepsOf, withBase, type Draft } from '../train/draft.ts';

/** Share of the limit above which a run counts as tight: the estimate is good to about this. */
const TIGHT_SHARE = 0.85;
const SAMPLES = 4;
/** Tokenised datasets kept; the newest is the one being set up. */
const KEPT = 2;

export class Planner {
  private readonly rows = new Map<string, Promise<PreparedRows>>();

  /** Throws what the run itself would throw at its start. */
  plan(spec: RunSpec, room: Room): Promise<PlanResult> {
    return this.withDraft(spec, (draft, rows) => planOf(draft, rows, room));
  }

  /** The largest batch, length and rank that fit, each with all else as it is; null where no limit is known. */
  largest(spec: RunSpec, room: Room): Promise<PreflightResult['largest']> {
    return this.withDraft(spec, async (draft) => {
      const limitBytes = limitOf(draft, room);
      if (limitBytes === null) return NO_LARGEST;
      const batch = longestBatch(draft);
      const estimate = await estimateMemory(draft, batch);
      const peakBytes = estimate.totalBytes;
      return largestThatFit({ run: draft, limitBytes, longestRow: batch.T, estimate, peakBytes });
    });
  }

  private withDraft<T>(spec: RunSpec, work: (draft: Draft, rows: PreparedRows) => Promise<T>): Promise<T> {
    return withBase(spec, async (base) => {
      checkClassify(spec.data, spec.method);
      const rows = await this.prepared(spec, base.spec);
      return work({ ...spec, base, data: splitRows(spec, base.spec, rows, () => undefined) }, rows);
    });
  }

  private prepared(spec: RunSpec, architecture: ArchitectureSpec): Promise<PreparedRows> {
    const { data, model, method } = spec;
    const key = JSON.stringify([
      model.hash,
      model.dir,
      data,
      descriptorOf(method.type).virtualTokens?.(method) ?? null,
    ]);
    const rows = this.rows.get(key) ?? prepareRows(spec, architecture);
    this.rows.delete(key);
    this.rows.set(key, rows);
    for (const oldest of [...this.rows.keys()].slice(0, -KEPT)) this.rows.delete(oldest);
    rows.catch(() => this.rows.delete(key));
    return rows;
  }
}

async function planOf(
  draft: Draft,
  { prepared, tokenizer, modelLength }: PreparedRows,
  room: Room,
): Promise<PlanResult> {
  const batch = longestBatch(draft);
  const estimate = await estimateMemory(draft, batch);
  const limitBytes = limitOf(draft, room);
  const verdict = verdictOf(estimate.totalBytes, limitBytes);
  const { train, val } = draft.data;
  const totalSteps = totalStepsOf(draft.train, batchPlanOf(draft));
  const mayRecompute = verdict === 'does not fit' && !draft.train.gradientCheckpointing;
  return {
    engine: estimate.engine,
    trainRows: train.length,
    valRows: val.length,
    badRows: prepared.bad.length,
    badRowsText: prepared.bad.length > 0 ? badRowsText(prepared) : '',
    lengths: prepared.stats,
    modelLength,
    unused: prepared.unused,
    controlTokenRows: prepared.controlTokenRows,
    tokensPerEpoch: train.reduce((sum, { ids }) => sum + ids.length, 0),
    totalSteps,
    longest: { rows: batch.B, tokens: countTokens(batch), longestRow: batch.T },
    estimate,
    limitBytes,
    verdict,
    checkpointingBytes: mayRecompute ? await recomputingBytes(draft, batch) : null,
    warnings: runWarnings({ trainRows: train.length, valRows: val.length, totalSteps, train: draft.train }),
    samplePrompts: promptsOf(val.length > 0 ? val : train, tokenizer),
  };
}

function verdictOf(totalBytes: number, limitBytes: number | null): Verdict {
  if (limitBytes === null) return 'unknown';
  if (totalBytes > limitBytes) return 'does not fit';
  return totalBytes > TIGHT_SHARE * limitBytes ? 'tight' : 'fits';
}

function limitOf({ engine, train }: Draft, { gpu, cardBytes }: Room): number | null {
  return memoryLimitBytes(engine === 'auto' ? 'tensorflow' : engine, gpu, train.memoryLimitBytes) ?? cardBytes;
}

/** Total with gradient checkpointing. */
async function recomputingBytes(draft: Draft, batch: Batch): Promise<number> {
  const recomputing = { ...draft, train: { ...draft.train, gradientCheckpointing: true } };
  return (await estimateMemory(recomputing, batch)).totalBytes;
}

/** What stands before the first labelled token of each row; nothing for rows that are labelled from the start. */
function promptsOf(rows: RunData['train'], tokenizer: TextTokenizer): string[] {
  const prompts = rows.slice(0, 50).map(({ ids, labels }) => {
    const first = labels.findIndex((label) => label >= 0);
    return first <= 0 ? '' : tokenizer.decode(ids.slice(0, first).filter((id) => id < tokenizer.vocabSize)).trim();
  });
  return [...new Set(prompts)].filter((prompt) => prompt !== '').slice(0, SAMPLES);
}
