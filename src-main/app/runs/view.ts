/** A run as callers see it: its row, and what only the disk or the process under way knows. */
import fs from 'node:fs';
import type { Run } from '../../catalog/runs.ts';
import { openSafetensors } from '../../safetensors/read.ts';
import { interimDir, interimInTheMaking, runStateFile } from '../../runfolder/layout.ts';
import type { AwayView } from '../../../src-shared/away.ts';
import type { MethodText } from '../../../src-shared/methods/method.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { describeMethod } from '../../../src-shared/methods/registry.ts';

export interface RunView extends Run {
  /**
   * Failed or stopped, with a run state to go on from; one that failed on a target is sent there again all the same. A
   * paused run is continued instead.
   */
  resumable: boolean;
  /** Name and main numbers of the method. */
  methodText: MethodText;
  /** Adapter folder (for full fine-tuning a model folder) that the pause saved; null where there is none. */
  interimAdapterDir: string | null;
  /** Rows of the dataset that are left out on purpose. */
  excludedLines: number;
  /** Milliseconds that its steps took, pauses aside; null before its end, and where it took none. */
  trainingMs: number | null;
  /** What has been asked of the run under way and has not come about yet. */
  asked: 'pause' | 'stop' | null;
  /** Where it is trained, or was; null for here. */
  away: AwayView | null;
}

export function viewOf(
  run: Run,
  { asked = null, trainingMs = null, away = null }: Partial<Pick<RunView, 'asked' | 'trainingMs' | 'away'>> = {},
): RunView {
  const mayHaveInterim = run.interim !== null && (run.status === 'paused' || run.status === 'failed');
  return {
    ...run,
    methodText: describeMethod(run.spec.method),
    resumable: isResumable(run, away),
    interimAdapterDir:
      mayHaveInterim && fs.existsSync(interimDir(run.spec.runDir)) ? interimDir(run.spec.runDir) : null,
    excludedLines: run.spec.data.excludeLines?.length ?? 0,
    trainingMs,
    asked,
    away,
  };
}

function isResumable(run: Run, away: AwayView | null): boolean {
  return run.status === 'failed' ? away !== null || hasRunState(run) : run.status === 'stopped' && hasRunState(run);
}

export function isOver(run: Pick<Run, 'status'>): boolean {
  return run.status === 'completed' || run.status === 'stopped' || run.status === 'failed';
}

/** Throws a usage error RUN_NOT_OVER. */
export function assertOver({ id, status }: Pick<Run, 'id' | 'status'>, what: 'archive' | 'remove'): void {
  if (isOver({ status })) return;
  throw usageError('RUN_NOT_OVER', `The run ${id} is ${status}; stop it before you ${what} it.`, {
    runId: id,
    status,
  });
}

/** What the worker of this run writes. */
export function targetsOf({ spec }: Run): string[] {
  return [spec.outDir, runStateFile(spec.runDir), interimDir(spec.runDir), interimInTheMaking(spec.runDir)];
}

export function hasRunState({ spec }: Run): boolean {
  return fs.existsSync(runStateFile(spec.runDir));
}

/** Steps that the run state has behind it; null where there is none that can be read. */
export function runStateStep({ spec }: Run): number | null {
  if (!fs.existsSync(runStateFile(spec.runDir))) return null;
  try {
    const file = openSafetensors(runStateFile(spec.runDir));
    file.close();
    return (JSON.parse(file.metadata['progress'] ?? '{}') as { step?: number }).step ?? null;
  } catch {
    return null;
  }
}
