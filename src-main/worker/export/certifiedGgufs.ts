/** The certificates of all GGUF files of an export, whose reference is computed once. */
import path from 'node:path';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { loadLlamacpp } from '../../llamacpp/runtime.ts';
import type { Task } from '../../merging/merge.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { GgufExportParams, WrittenGguf } from '../../../src-shared/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { useBackend } from '../backend.ts';
import { tasksOf } from '../mergedTasks.ts';
import { heldOutPrompts } from '../verify/heldOutPrompts.ts';
import { referencesOf } from '../verify/reference.ts';
import { certifyGguf } from './certifyGguf.ts';

/** One GGUF that is written and not yet proven. */
export type UnprovenGguf = Omit<WrittenGguf, 'certificate'>;

export interface GgufModel {
  params: GgufExportParams;
  base: BaseModel;
  tasks: Task[];
  /** Tokens that the adapters were taught to end with, and that the base does not name. */
  endIds: number[];
}

/** Throws as certifyGguf, naming the file. */
export async function certifiedGgufs(
  dir: string,
  files: UnprovenGguf[],
  { params, base, endIds }: GgufModel,
  emit: (event: WorkerCalls['exportGguf']['event']) => void,
): Promise<WrittenGguf[]> {
  await useBackend(params.engine);
  const prompts = await heldOutPrompts(base.dir, base.spec, params.heldOut);
  const total = (files.length + 1) * prompts.length;
  let done = 0;
  const onPrompt = (): void => emit({ done: ++done, total, phase: 'verify' });
  const tasks = tasksOf(params);
  const references = (await hasLlamacpp()) ? await referencesOf(base, tasks, prompts, onPrompt) : undefined;
  const ggufs: WrittenGguf[] = [];
  for (const one of files) {
    const certificate = await naming(one.file, () =>
      certifyGguf({
        file: path.join(dir, one.file),
        base,
        tasks,
        prompts,
        endIds,
        ...(references ? { references } : {}),
        ...(params.allowFailedCertificate ? { allowFailedCertificate: true } : {}),
        onProgress: onPrompt,
      }),
    );
    ggufs.push({ ...one, certificate });
  }
  return ggufs;
}

async function hasLlamacpp(): Promise<boolean> {
  try {
    await loadLlamacpp();
    return true;
  } catch (error) {
    if (error instanceof GraftError && error.code === 'LLAMACPP_ABSENT') return false;
    throw error;
  }
}

/** Which of several files has failed. */
async function naming<T>(file: string, certify: () => Promise<T>): Promise<T> {
  try {
    return await certify();
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    throw new GraftError(error.code, `${file}: ${error.message}`, { ...error.details, file }, { cause: error });
  }
}
