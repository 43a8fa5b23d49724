/** Takes a merged adapter out of a model again; the folder appears only once it is whole. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import { readForeignText } from '../../files/foreignFile.ts';
import { parseJson } from '../../files/parseJson.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { unmergeAdapter } from '../../merging/unmerge.ts';
import type { UnmergeParams, UnmergeResult } from '../../../src-shared/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';

/** Throws UNMERGE_OTHER_ADAPTER and UNMERGE_TASKS where the merged folder's certificate names other adapters. */
export async function unmerge(
  { mergedDir, adapterDir, originalDir, outDir }: UnmergeParams,
  emit: (event: WorkerCalls['unmerge']['event']) => void,
): Promise<UnmergeResult> {
  const adapter = readAdapter(adapterDir);
  refuseOtherAdapter(mergedDir, adapter.sha256);
  const original = originalDir === undefined ? undefined : openBaseModel(originalDir);
  const merged = openBaseModel(mergedDir);
  try {
    return await unmergeAdapter({
      merged,
      adapter,
      outDir,
      ...(original ? { original } : {}),
      onProgress: emit,
    });
  } finally {
    merged.close();
    original?.close();
  }
}

const certificateSchema = z.looseObject({ adapterSha256: z.string(), tasks: z.array(z.unknown()).optional() });

function valueOf(file: string): unknown {
  const json = parseJson(readForeignText(file));
  return 'value' in json ? json.value : undefined;
}

/** The certificate beside a merged model names its adapter; without one there is nothing to go by. */
function refuseOtherAdapter(mergedDir: string, sha256: string): void {
  const file = path.join(mergedDir, CERTIFICATE_FILE);
  if (!fs.existsSync(file)) return;
  const parsed = certificateSchema.safeParse(valueOf(file));
  if (!parsed.success)
    throw new GraftError(
      'UNMERGE_OTHER_ADAPTER',
      `${file} is not the certificate of a merge, so it does not say which adapter was merged; delete the file to ` +
        'take the named adapter out all the same.',
      { file },
    );
  const { adapterSha256, tasks } = parsed.data;
  if (tasks?.length === 0)
    throw new GraftError(
      'UNMERGE_OTHER_ADAPTER',
      `${mergedDir} is a model that was written as it is; there is no adapter in it that could be taken out.`,
      { want: null, got: sha256 },
    );
  if (tasks)
    throw new GraftError(
      'UNMERGE_TASKS',
      `${mergedDir} holds ${tasks.length} adapters with scales of their own, which cannot be taken out one by ` +
        'one; keep the original base model and merge again.',
      { tasks },
    );
  if (adapterSha256 === sha256) return;
  throw new GraftError(
    'UNMERGE_OTHER_ADAPTER',
    `${mergedDir} was merged with another adapter (${adapterSha256.slice(0, 12)}) than this one ` +
      `(${sha256.slice(0, 12)}); name the one that was merged.`,
    { want: adapterSha256, got: sha256 },
  );
}
