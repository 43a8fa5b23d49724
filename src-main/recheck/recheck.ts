/**
 * The independent part of a certificate: an exported folder read a second time and compared with the folder that it was
 * made from and the adapters' own files. Nothing here is shared with what wrote the export (layers.config.mjs), and no
 * model is run, so that a base which Graft reads wrongly does not prove itself right.
 */
import path from 'node:path';
import type { IndependentReading, MergeParams, TaskDir } from '../../src-shared/exports.ts';
import { changesOf, EMBEDDING, HEAD, isTied, takenApart, type ReadBase } from './adapterChanges.ts';
import { compareConfigs } from './compareConfigs.ts';
import { compareTensors } from './compareTensors.ts';
import type { Change } from './formulas.ts';
import { jsonOf } from './plainJson.ts';
import { ggufOfFolder, tensorsOfGguf } from './gguf/ggufBase.ts';
import { tensorsOfFolder } from './plainTensors.ts';

interface RecheckParams {
  sourceDir: string;
  exportDir: string;
  tasks: TaskDir[];
  dtype: MergeParams['dtype'];
  /** Ids that end a generation beside those that the source names. */
  eosTokenIds?: number[] | undefined;
  /** What chat_template.jinja was to become. */
  chatTemplate?: string | undefined;
}

/** Problems that are told; more of them would say no more. */
const MOST_PROBLEMS = 20;

const TYPES = { f32: ['F32', 'float32'], f16: ['F16', 'float16'], bf16: ['BF16', 'bfloat16'] } as const;

/** Never throws for what is wrong with the export: that is `problems`. */
export function recheckExport({
  sourceDir,
  exportDir,
  tasks,
  dtype,
  eosTokenIds,
  chatTemplate,
}: RecheckParams): IndependentReading {
  const problems: string[] = [];
  const report = (problem: string): void => void (problems.length < MOST_PROBLEMS && problems.push(problem));
  const [stored, torchDtype] = dtype ? TYPES[dtype] : [];
  let counts = { tensors: 0, unchanged: 0, cast: 0, changed: 0, valuesChecked: 0 };
  let configs = { fields: 0, changedFields: [] as string[], files: 0 };
  try {
    const tied = readFolder(sourceDir);
    const exported = readFolder(exportDir);
    const dirs = tasks.map(({ adapterDir }) => adapterDir);
    const apart = isTied(exported) ? undefined : takenApart(tied, exported.tensors, dirs);
    configs = compareConfigs(
      sourceDir,
      exportDir,
      { torchDtype, eosTokenIds, chatTemplate, untied: apart !== undefined },
      report,
    );
    const source = apart ?? tied;
    const changes = allChanges(tasks, source);
    if (!apart) followEmbedding(changes, source);
    counts = compareTensors(source, exported.tensors, changes, stored, report);
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
  }
  return { ...counts, ...configs, problems, passed: problems.length === 0 };
}

/** Of the folder itself, or of the GGUF file that it stands for. */
export function readFolder(dir: string): ReadBase {
  const config = jsonOf(path.join(dir, 'config.json')) as Record<string, unknown>;
  const gguf = ggufOfFolder(dir);
  return { config, tensors: gguf === undefined ? tensorsOfFolder(dir) : tensorsOfGguf(gguf, config) };
}

/** A copy of a tied head that a file carries besides is the embedding, and changes with it. */
function followEmbedding(changes: Map<string, Change[]>, source: ReadBase): void {
  const [embedding, head] = [EMBEDDING, HEAD].map((names) => [...source.tensors.keys()].find((key) => names.test(key)));
  if (!isTied(source) || embedding === undefined || head === undefined) return;
  const own = changes.get(embedding) ?? changes.get(head);
  if (own) for (const name of [embedding, head]) changes.set(name, own);
}

export function allChanges(tasks: TaskDir[], source: ReadBase): Map<string, Change[]> {
  const all = new Map<string, Change[]>();
  for (const { adapterDir, scale } of tasks)
    for (const [tensor, changes] of changesOf(adapterDir, scale, source))
      all.set(tensor, [...(all.get(tensor) ?? []), ...changes]);
  return all;
}
