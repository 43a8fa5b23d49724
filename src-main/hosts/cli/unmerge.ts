/** `unmerge`: takes an adapter out of a merged model again. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import { readForeignText } from '../../files/foreignFile.ts';
import { parseJson } from '../../files/parseJson.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { assertNewFolder } from '../../app/exports/plan.ts';
import { unmergeAdapter } from '../../merging/unmerge.ts';
import { ADAPTER_OPTION, MODEL_OPTION } from './command.ts';
import type { Command } from './command.ts';
import { bytes, shareSayer } from './format.ts';
import { adapterOf, modelDirOf } from './resolve.ts';

export const unmerge: Command = {
  name: 'unmerge',
  positionals: [],
  summary: 'Takes a merged adapter out of a model again, which gives the base back up to rounding.',
  options: {
    model: { ...MODEL_OPTION, help: 'folder of the merged model' },
    adapter: ADAPTER_OPTION,
    base: { type: 'string', value: 'DIR', help: 'the base before merging, to compare the result with' },
    out: { type: 'string', value: 'DIR', help: 'new folder; it must not exist' },
  },
  async run({ args, services, print, say }) {
    const mergedDir = modelDirOf(services, args.required('model', 'the folder of a merged model'));
    const adapter = readAdapter(adapterOf(services, args.required('adapter', 'the adapter that was merged')).dir);
    const outDir = path.resolve(args.required('out', 'a new folder'));
    assertNewFolder(outDir, services.home.dir);
    refuseOtherAdapter(mergedDir, adapter.sha256);
    const base = args.text('base');
    const original = base === undefined ? undefined : openBaseModel(modelDirOf(services, base));
    const sayShare = shareSayer(say, 'unmerging');
    const merged = openBaseModel(mergedDir);
    try {
      const { files, sizeBytes, maxDifference } = await unmergeAdapter({
        merged,
        adapter,
        outDir,
        ...(original ? { original } : {}),
        onProgress: ({ done, total }) => sayShare(done / total),
      });
      print(`${outDir}: ${files.length} files, ${bytes(sizeBytes)}`);
      if (maxDifference !== null)
        print(`Largest difference of a weight to the base: ${maxDifference.toExponential(2)}`);
      return { outDir, files, bytes: sizeBytes, maxDifference };
    } finally {
      merged.close();
      original?.close();
    }
  },
};

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
