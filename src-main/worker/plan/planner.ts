/**
 * What a run would come to, before it starts and without loading the model: rows, steps and tokens from the tokenised
 * data, memory from a step on shapes alone. Tokenised rows are kept, so that a changed setting is answered at once.
 */
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { BatchPlan } from '../../datasets/batchPlan.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { countTokens, type Batch } from '../../engine/train/batchLoss.ts';
import { checkClassify, checkMethod } from '../../methods/checkMethod.ts';
import { largestThatFit } from './largest.ts';
import { estimateMemory } from './memoryEstimate.ts';
import { memoryLimitBytes } from '../train/memoryGuard.ts';
import { longestBatch } from './preflight.ts';
import type { PlanResult, PreflightResult, Room, Verdict } from '../../../src-shared/plan.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { openBase, prepareRows, splitRows, type PreparedRows, type RunData } from '../train/data.ts';

/** Share of the limit above which a run counts as tight: the estimate is good to about this. */
const TIGHT_SHARE = 0.85;
const SAMPLES = 4;
/** Tokenised datasets kept; the newest is the one being set up. */
const KEPT = 2;

export class Planner {
  private readonly rows = new Map<string, Promise<PreparedRows>>();

  /** Throws what the run itself would throw at its start. */
  plan(spec: RunSpec, room: Room): Promise<PlanResult> {
    return this.on(spec, async (base, data, prepared) => {
      const batch = longestBatch(spec, data);
      const estimate = await estimateMemory(spec, base, batch);
      const limitBytes = limitOf(spec, room);
      const verdict = verdictOf(estimate.totalBytes, limitBytes);
      const { train, val, maxLength } = data;
      const steps =
        spec.train.steps ??
        new BatchPlan(
          train.map(({ ids }) => ids.length),
          { ...spec.train, maxLength },
        ).stepsFor(spec.train.epochs);
      return {
        engine: estimate.engine,
        trainRows: train.length,
        valRows: val.length,
        badRows: prepared.prepared.bad.length,
        lengths: prepared.prepared.stats,
        tokensPerEpoch: train.reduce((sum, { ids }) => sum + ids.length, 0),
        totalSteps: steps,
        longest: { rows: batch.B, tokens: countTokens(batch), longestRow: batch.T },
        estimate,
        limitBytes,
        verdict,
        checkpointingBytes:
          verdict === 'does not fit' && !spec.train.gradientCheckpointing
            ? await withCheckpointing(spec, base, batch)
            : null,
        samplePrompts: promptsOf(val.length > 0 ? val : train, prepared),
      };
    });
  }

  /** The largest batch, length and rank that fit, each with all else as it is; null where no limit is known. */
  largest(spec: RunSpec, room: Room): Promise<PreflightResult['largest']> {
    return this.on(spec, async (base, data) => {
      const limitBytes = limitOf(spec, room);
      if (limitBytes === null) return { batch: null, maxLength: null, rank: null };
      const batch = longestBatch(spec, data);
      const estimate = await estimateMemory(spec, base, batch);
      return largestThatFit({ spec, base, limitBytes, longestRow: batch.T, estimate, peakBytes: estimate.totalBytes });
    });
  }

  private async on<T>(
    spec: RunSpec,
    work: (base: BaseModel, data: RunData, prepared: PreparedRows) => Promise<T>,
  ): Promise<T> {
    const base = openBase(spec);
    try {
      checkMethod(base.spec, [...base.tensors.keys()], spec.method);
      checkClassify(spec.data, spec.method);
      const prepared = await this.prepared(spec, base.spec);
      return await work(
        base,
        splitRows(spec, base.spec, prepared, () => undefined),
        prepared,
      );
    } finally {
      base.close();
    }
  }

  private prepared(spec: RunSpec, architecture: ArchitectureSpec): Promise<PreparedRows> {
    const { data, model, method } = spec;
    const key = JSON.stringify([model.hash, model.dir, data, method.type === 'prefix' ? method : null]);
    const rows = this.rows.get(key) ?? prepareRows(spec, architecture);
    this.rows.delete(key);
    this.rows.set(key, rows);
    for (const oldest of [...this.rows.keys()].slice(0, -KEPT)) this.rows.delete(oldest);
    rows.catch(() => this.rows.delete(key));
    return rows;
  }
}

export function verdictOf(totalBytes: number, limitBytes: number | null): Verdict {
  if (limitBytes === null) return 'unknown';
  if (totalBytes > limitBytes) return 'does not fit';
  return totalBytes > TIGHT_SHARE * limitBytes ? 'tight' : 'fits';
}

function limitOf({ engine, train }: RunSpec, { gpu, cardBytes }: Room): number | null {
  return memoryLimitBytes(engine === 'auto' ? 'tensorflow' : engine, gpu, train.memoryLimitBytes) ?? cardBytes;
}

async function withCheckpointing(spec: RunSpec, base: BaseModel, batch: Batch): Promise<number> {
  return (await estimateMemory({ ...spec, train: { ...spec.train, gradientCheckpointing: true } }, base, batch))
    .totalBytes;
}

/** What stands before the first labelled token of each row; nothing for rows that are labelled from the start. */
function promptsOf(rows: RunData['train'], { tokenizer }: PreparedRows): string[] {
  const prompts = rows.slice(0, 50).map(({ ids, labels }) => {
    const first = labels.findIndex((label) => label >= 0);
    return first <= 0
      ? ''
      : tokenizer.decode(Array.from(ids.slice(0, first)).filter((id) => id < tokenizer.vocabSize)).trim();
  });
  return [...new Set(prompts)].filter((prompt) => prompt !== '').slice(0, SAMPLES);
}
