/** The certificates of all GGUF files of an export, whose reference is computed once. */
import path from 'node:path';
import { loadLlamacpp } from '../../llamacpp/runtime.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { WrittenGguf } from '../../../src-shared/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { useBackend } from '../backend.ts';
import { tasksOf } from '../mergedTasks.ts';
import { heldOutPrompts } from '../verify/heldOutPrompts.ts';
import { referencesOf, type Reference } from '../verify/reference.ts';
import { certifyGguf } from './certifyGguf.ts';
import type { GgufModel, UnprovenGguf } from './gguf.ts';

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
        ...(references ? { references: references as Reference[] } : {}),
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
