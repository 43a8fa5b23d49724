/** A new run that goes on from a state of another one, which stays as it is; with the old one's picture up to there. */
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { addKeptState, linkOrCopy } from '../../runfolder/keptStates.ts';
import { bestValuesFile, bestValuesStep, runStateFile, startFile } from '../../runfolder/layout.ts';
import { freshName } from '../../../src-shared/freshName.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { logMessage } from './recordEvent.ts';
import type { RunService } from './service.ts';
import type { RunView } from './view.ts';

export interface GoingOn {
  /** With a number behind it where a run is called so already. */
  name: string;
  /** Steps that the state has behind it. */
  step: number;
  /** What differs from there on, without a full stop. */
  why: string;
  /** False: it waits, paused, to be continued. */
  start: boolean;
}

/** Queues the run of `spec`; its state has been copied. */
export function goOn(
  { catalog, runs }: { catalog: Catalog; runs: RunService },
  from: Run,
  spec: RunSpec,
  { name, step, why, start }: GoingOn,
): RunView {
  const { id, taskId, modelId, datasetId } = from;
  const names = catalog.runs.list().map((other) => other.name);
  return runs.add(
    { name: freshName(name, names), taskId, modelId, datasetId, parentRunId: id, spec },
    {
      start,
      fill: () => {
        catalog.metrics.copyUpTo(id, spec.runId, step);
        catalog.runHistory.copySamples(id, spec.runId, step);
        logMessage(catalog, spec.runId, `Goes on from step ${step} of the run ${from.name} (${id}); ${why}.`);
      },
    },
  );
}

/** The state `source` of the run in `from` as that of the new run. */
export function copyState(source: string, from: string, { runDir, train }: RunSpec, step: number): void {
  fs.mkdirSync(runDir, { recursive: true });
  linkOrCopy(source, runStateFile(runDir));
  addKeptState(source, runDir, step);
  if (fs.existsSync(startFile(from))) linkOrCopy(startFile(from), startFile(runDir));
  if (!train.keepBest) return;
  for (const name of fs.readdirSync(from)) {
    const best = bestValuesStep(name);
    if (best !== undefined && best <= step) linkOrCopy(path.join(from, name), bestValuesFile(runDir, best));
  }
}
