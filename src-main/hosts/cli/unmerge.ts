/** `unmerge`: takes an adapter out of a merged model again. */
import path from 'node:path';
import { counted } from '../../../src-shared/plural.ts';
import { assertNewFolder } from '../../app/exports/plan.ts';
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
    const { dir: adapterDir } = adapterOf(services, args.required('adapter', 'the adapter that was merged'));
    const outDir = path.resolve(args.required('out', 'a new folder'));
    assertNewFolder(outDir, services.home.dir);
    const base = args.text('base');
    const params = {
      mergedDir,
      adapterDir,
      outDir,
      ...(base === undefined ? {} : { originalDir: modelDirOf(services, base) }),
    };
    const sayShare = shareSayer(say, 'unmerging');
    const { files, sizeBytes, maxDifference } = await services.workers.once('unmerge', params, ({ done, total }) =>
      sayShare(done / total),
    );
    print(`${outDir}: ${counted(files.length, 'file')}, ${bytes(sizeBytes)}`);
    if (maxDifference !== null) print(`Largest difference of a weight to the base: ${maxDifference.toExponential(2)}`);
    return { outDir, files, bytes: sizeBytes, maxDifference };
  },
};
