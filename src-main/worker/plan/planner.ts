/**
 * What a run would come to, before it starts and without loading the model: rows, steps and tokens from the tokenised
 * data, memory from a step on shapes alone. Tokenised rows are kept, so that a changed setting is answered at once.
 */
import { runWarnings } from '../../../src-shared/runWarnings.ts';
import { badRowsText } from '../../datasets/dataset.ts';
import { templateWarnings } from '../../datasets/promptTemplates.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import { countTokens, type Batch } from '../../engine/train/batchLoss.ts';
import { checkClassify, checkObjective } from '../../methods/checkMethod.ts';
import { checkBindings } from './checkBindings.ts';
import { chooseFit, type PlannedDraft } from './chooseFit.ts';
import { estimateMemory } from './estimate.ts';
import { largestThatFit, NO_LARGEST } from './largest.ts';
import { longestBatch } from './longestBatch.ts';
import { roomFor, verdictOf } from './memoryRoom.ts';
import { firstRow, questionsOf } from './shownRows.ts';
import type { FitPart, FitResult, PlanResult, PreflightResult, Room } from '../../../src-shared/plan.ts';
import { isPaired } from '../../../src-shared/objectives.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { lengthsOf } from '../../datasets/tokens/rowList.ts';
import { prepareRows, splitRows, type PreparedRows } from '../train/data.ts';
import { batchPlanOf, totalStepsOf, withBase, type Draft } from '../train/draft.ts';

/** Tokenised datasets kept; the newest is the one being set up. */
const KEPT = 2;

export class Planner {
  private readonly rows = new Map<string, Promise<PreparedRows>>();

  /** Throws what the run itself would throw at its start. */
  plan(spec: RunSpec, room: Room): Promise<PlanResult> {
    return this.withDraft(spec, room, (draft, rows) => planOf(draft, rows, room));
  }

  /** The largest batch, length and rank that fit, each with all else as it is; null where no limit is known. */
  largest(spec: RunSpec, room: Room): Promise<PreflightResult['largest']> {
    return this.withDraft(spec, room, async (draft) => {
      const limitBytes = roomFor(draft, room)?.freeBytes ?? null;
      if (limitBytes === null) return NO_LARGEST;
      const batch = longestBatch(draft);
      const estimate = await estimateMemory(draft, batch);
      const peakBytes = estimate.totalBytes;
      return largestThatFit({ run: draft, limitBytes, longestRow: batch.T, estimate, peakBytes });
    });
  }

  /** Settings with which the run fits, the mildest first; those of `keep` stay as they are. */
  fit(spec: RunSpec, room: Room, keep: FitPart[]): Promise<FitResult> {
    return this.withDraft(spec, room, (draft) => chooseFit(draft, roomFor(draft, room)?.freeBytes ?? null, keep));
  }

  private withDraft<T>(
    spec: RunSpec,
    { bindingBytes }: Room,
    work: (draft: PlannedDraft, rows: PreparedRows) => Promise<T>,
  ): Promise<T> {
    return withBase(spec, async (base) => {
      checkClassify(spec.data, spec.method);
      checkObjective(spec);
      const rows = await this.prepared(spec, base.spec);
      return work({ ...spec, bindingBytes, base, data: splitRows(spec, base.spec, rows, () => undefined) }, rows);
    });
  }

  private async prepared(spec: RunSpec, architecture: ArchitectureSpec): Promise<PreparedRows> {
    const { data, model, method, objective } = spec;
    const key = JSON.stringify([
      model.hash,
      model.dir,
      data,
      descriptorOf(method.type).virtualTokens?.(method) ?? null,
      objective ? isPaired(objective) : null,
    ]);
    const known = this.rows.get(key);
    const isOutdated = (await known)?.prepared.sample?.isOutdated();
    const rows = known && !isOutdated ? known : prepareRows(spec, architecture, { sampled: true });
    this.rows.delete(key);
    this.rows.set(key, rows);
    for (const oldest of [...this.rows.keys()].slice(0, -KEPT)) this.forget(oldest);
    rows.catch(() => this.rows.delete(key));
    return rows;
  }

  private forget(key: string): void {
    void this.rows.get(key)?.then(({ prepared }) => prepared.close());
    this.rows.delete(key);
  }
}

async function planOf(
  draft: PlannedDraft,
  { prepared, tokenizer, modelLength }: PreparedRows,
  room: Room,
): Promise<PlanResult> {
  const batch = longestBatch(draft);
  checkBindings(draft, batch, room.bindingBytes);
  const estimate = await estimateMemory(draft, batch);
  const memory = roomFor(draft, room);
  const limitBytes = memory?.freeBytes ?? null;
  const verdict = verdictOf(estimate.totalBytes, limitBytes);
  const { train, val } = draft.data;
  const totalSteps = totalStepsOf(draft.train, batchPlanOf(draft));
  const mayRecompute = verdict === 'does not fit' && !draft.train.gradientCheckpointing;
  return {
    engine: estimate.engine,
    trainRows: train.length,
    valRows: val.length,
    badRows: prepared.badCount ?? prepared.bad.length,
    badRowsText: prepared.bad.length > 0 ? badRowsText(prepared) : '',
    lengths: prepared.stats,
    sampledRows: prepared.sample?.rows ?? null,
    modelLength,
    unused: prepared.unused,
    controlTokenRows: prepared.controlTokenRows,
    tokensPerEpoch: lengthsOf(train).reduce((sum, tokens) => sum + tokens, 0),
    totalSteps,
    longest: { rows: batch.B, tokens: countTokens(batch), longestRow: batch.T },
    estimate,
    limitBytes,
    room: memory,
    verdict,
    checkpointingBytes: mayRecompute ? await recomputingBytes(draft, batch) : null,
    warnings: [
      ...templateWarnings(tokenizer, prepared.promptTemplate),
      ...runWarnings({ trainRows: train.length, valRows: val.length, totalSteps, train: draft.train }),
    ],
    samplePrompts: questionsOf(val.length > 0 ? val : train, tokenizer, prepared.promptTemplate),
    promptTemplate: prepared.promptTemplate?.name ?? null,
    firstRow: firstRow(train, tokenizer),
  };
}

/** Total with gradient checkpointing. */
async function recomputingBytes(draft: Draft, batch: Batch): Promise<number> {
  const recomputing = { ...draft, train: { ...draft.train, gradientCheckpointing: true } };
  return (await estimateMemory(recomputing, batch)).totalBytes;
}
