/** Ends a paused run: what the pause saved becomes its result, without a worker. */
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { removeInterim } from '../../runfolder/interim.ts';
import { interimDir } from '../../runfolder/layout.ts';
import { logMessage } from './recordEvent.ts';
import { recordResult } from './recordResult.ts';

/** The folder is moved before the rows are written; a run paused before its first step just ends. */
export function keepInterim(catalog: Catalog, run: Run): void {
  const { runDir, outDir } = run.spec;
  const source = interimDir(runDir);
  if (!run.interim || !fs.existsSync(source)) {
    catalog.runs.update(run.id, { status: 'stopped', interim: null, endedAt: new Date().toISOString() });
    return;
  }
  fs.mkdirSync(path.dirname(outDir), { recursive: true });
  fs.rmSync(outDir, { recursive: true, force: true }); // no row names it: a crash came between its rename and the row
  fs.renameSync(source, outDir);
  recordResult(catalog, run, { ...run.interim, outcome: 'stopped', outDir });
  removeInterim(runDir);
  logMessage(catalog, run.id, `Stopped after step ${run.interim.steps}; the result is in ${outDir}.`);
}
