/**
 * The independent part of a certificate: an exported folder read a second time and compared with the folder that it was
 * made from and the adapters' own files. Nothing here is shared with what wrote the export (layers.config.mjs), and no
 * model is run, so that a base which Graft reads wrongly does not prove itself right.
 */
import path from 'node:path';
import type { IndependentReading, MergeParams, TaskDir } from '../../src-shared/exports.ts';
import { changesOf, type ReadBase } from './adapterChanges.ts';
import { compareConfigs } from './compareConfigs.ts';
import { compareTensors } from './compareTensors.ts';
import type { Change } from './formulas.ts';
import { jsonOf } from './plainJson.ts';
import { ggufOfFolder, tensorsOfGguf } from './plainGguf.ts';
import { tensorsOfFolder } from './plainTensors.ts';

interface RecheckParams {
  sourceDir: string;
  exportDir: string;
  tasks: TaskDir[];
  dtype: MergeParams['dtype'];
  /** Ids that end a generation beside those that the source names. */
  eosTokenIds?: number[] | undefined;
}

/** Problems that are told; more of them would say no more. */
const MOST_PROBLEMS = 20;

const TYPES = { f32: ['F32', 'float32'], f16: ['F16', 'float16'], bf16: ['BF16', 'bfloat16'] } as const;

/** Never throws for what is wrong with the export: that is `problems`. */
export function recheckExport({ sourceDir, exportDir, tasks, dtype, eosTokenIds }: RecheckParams): IndependentReading {
  const problems: string[] = [];
  const report = (problem: string): void => void (problems.length < MOST_PROBLEMS && problems.push(problem));
  const [stored, torchDtype] = dtype ? TYPES[dtype] : [];
  let counts = { tensors: 0, unchanged: 0, cast: 0, changed: 0, valuesChecked: 0 };
  let configs = { fields: 0, changedFields: [] as string[], files: 0 };
  try {
    configs = compareConfigs(sourceDir, exportDir, { torchDtype, eosTokenIds }, report);
    const config = jsonOf(path.join(sourceDir, 'config.json')) as Record<string, unknown>;
    const gguf = ggufOfFolder(sourceDir);
    const tensors = gguf === undefined ? tensorsOfFolder(sourceDir) : tensorsOfGguf(gguf, config);
    const source: ReadBase = { config, tensors };
    const changes = allChanges(tasks, source);
    counts = compareTensors(source, tensorsOfFolder(exportDir), changes, stored, report);
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
  }
  return { ...counts, ...configs, problems, passed: problems.length === 0 };
}

export function allChanges(tasks: TaskDir[], source: ReadBase): Map<string, Change[]> {
  const all = new Map<string, Change[]>();
  for (const { adapterDir, scale } of tasks)
    for (const [tensor, changes] of changesOf(adapterDir, scale, source))
      all.set(tensor, [...(all.get(tensor) ?? []), ...changes]);
  return all;
}
