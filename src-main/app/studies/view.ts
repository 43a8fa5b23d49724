/** A study as callers see it: its runs as they are, what they say so far, and how long the rest takes. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { RunStatus } from '../../catalog/runs.ts';
import type { Study, StudyRun } from '../../catalog/studies.ts';
import { bestOf, compareVariants, type Losses } from '../../lab/study/compare.ts';
import { verdictOf } from '../../lab/study/verdict.ts';
import type { AwayView } from '../../../src-shared/away.ts';
import type { Compared, StudyVariant } from '../../../src-shared/studies.ts';
import type { RunProgress } from '../runs/progressMeter.ts';
import { awayViewOf } from '../away/view.ts';
import { isOver } from '../runs/view.ts';

export interface StudyCell extends StudyRun {
  /** Null: the run has been removed. */
  status: RunStatus | null;
  /** Lowest of its trained values so far; null without an evaluation. */
  valLoss: number | null;
  /** Why a run failed, or cannot be compared. */
  problem: string | null;
  adapterId: string | null;
  /** Where it is trained, or was; null for here. */
  away: AwayView | null;
}

export interface StudyView extends Study {
  /** `under way`: runs are left to do, though they may wait. */
  state: 'under way' | 'done' | 'cancelled';
  variants: (StudyVariant & Compared & { runs: StudyCell[] })[];
  /** Index of the variant that all are compared with; null while none has all its runs. */
  reference: number | null;
  /** Index of the one with the lowest mean. */
  best: number | null;
  /** Null before the end, and where no variant has a run that ended well for each seed. */
  verdict: string | null;
  taskId: string | null;
  /** Runs that are over, and all that are there. */
  done: number;
  total: number;
  /** At most so long, without a pause; null while nothing is known. */
  msLeft: number | null;
  /** Run with the lowest loss of the best variant; null where its adapter is gone. */
  bestRun: { runId: string; adapterId: string; seed: number } | null;
}

/** `baseline`: index of the variant to compare with, instead of the best. */
export function studyView(
  catalog: Catalog,
  study: Study,
  { baseline, progress }: { baseline?: number | undefined; progress: RunProgress | null },
): StudyView {
  const adapters = new Map(catalog.adapters.list().map(({ runId, id }) => [runId, id]));
  const cells = catalog.studies.runs(study.id).map((cell) => cellOf(catalog, cell, adapters));
  const { variants, seeds } = study.spec;
  const losses = variants.map((_, variant) => lossesOf(cells.filter((cell) => cell.variant === variant)));
  const best = bestOf(losses, seeds.length);
  const reference = baseline ?? best;
  const compared = compareVariants(losses, seeds.length, reference);
  const open = cells.filter(({ status }) => status !== null && !isOver({ status }));
  const state = study.cancelledAt ? 'cancelled' : open.length > 0 ? 'under way' : 'done';
  return {
    ...study,
    state,
    variants: variants.map((variant, i) => ({
      ...variant,
      ...compared[i]!,
      runs: cells.filter((cell) => cell.variant === i),
    })),
    reference,
    best,
    verdict:
      open.length > 0
        ? null
        : verdictOf(
            variants.map(({ label, parameters }, i) => ({
              label,
              parameters,
              losses: losses[i]!,
              isPruned: cells.some(({ variant, prunedStep }) => variant === i && prunedStep !== null),
            })),
            seeds.length,
          ),
    taskId: cells.map(({ runId }) => catalog.runs.get(runId)?.taskId).find((id) => id) ?? null,
    done: cells.length - open.length,
    total: cells.length,
    msLeft: open.length === 0 ? 0 : msLeft(catalog, cells, open, progress),
    bestRun: bestRunOf(cells.filter(({ variant }) => variant === best)),
  };
}

const NO_LOSS = 'None of its validation losses was a finite number; try a lower learning rate.';

function cellOf(catalog: Catalog, cell: StudyRun, adapters: ReadonlyMap<string | null, string>): StudyCell {
  const run = catalog.runs.get(cell.runId);
  const evaluations = catalog.metrics.evaluations(cell.runId).filter(({ step }) => step > 0);
  const losses = evaluations.map(({ valLoss }) => valLoss).filter(Number.isFinite);
  const valLoss = losses.length === 0 ? null : Math.min(...losses);
  const noLoss = run?.status === 'completed' && valLoss === null ? NO_LOSS : null;
  return {
    ...cell,
    status: run?.status ?? null,
    valLoss,
    problem: run?.error?.message ?? noLoss,
    adapterId: adapters.get(cell.runId) ?? null,
    away: awayViewOf(catalog, cell.runId),
  };
}

/** Only runs that took all their steps, or stopped early by themselves, are compared. */
function lossesOf(cells: StudyCell[]): Losses {
  return new Map(
    cells.flatMap(({ status, seed, valLoss }) =>
      status === 'completed' && valLoss !== null ? [[seed, valLoss] as const] : [],
    ),
  );
}

function bestRunOf(cells: StudyCell[]): StudyView['bestRun'] {
  const [first] = cells
    .filter(({ status, valLoss }) => status === 'completed' && valLoss !== null)
    .sort((a, b) => a.valLoss! - b.valLoss!);
  return first?.adapterId ? { runId: first.runId, adapterId: first.adapterId, seed: first.seed } : null;
}

/** By what the runs that are over took, or else by the one under way; null where a cluster trains several at a time. */
function msLeft(catalog: Catalog, cells: StudyCell[], open: StudyCell[], progress: RunProgress | null): number | null {
  if (open.some(({ away }) => away?.kind === 'slurm')) return null;
  const times = cells.flatMap(({ status, runId }) => {
    const run = status === 'completed' ? catalog.runs.get(runId) : undefined;
    return run?.startedAt && run.endedAt ? [Date.parse(run.endedAt) - Date.parse(run.startedAt)] : [];
  });
  const current = open.some(({ runId }) => runId === progress?.id) ? progress : null;
  const whole = current?.msLeft ? (current.msLeft * current.totalSteps) / (current.totalSteps - current.step) : null;
  const each = times.length > 0 ? times.reduce((sum, ms) => sum + ms, 0) / times.length : whole;
  if (each === null) return null;
  return current ? (current.msLeft ?? each) + each * (open.length - 1) : each * open.length;
}
