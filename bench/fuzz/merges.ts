/**
 * Adapters at a merge: a changed one is merged with all that its graft.json says, the export is read a second time, and
 * so is the export of the adapter as it was beside the changed one.
 */
import fs from 'node:fs';
import path from 'node:path';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { loadTokenizer } from '../../src-main/datasets/tokenizer.ts';
import { mergeTasks } from '../../src-main/merging/merge.ts';
import { readAdapter } from '../../src-main/methods/fileRegistry.ts';
import { recheckExport } from '../../src-main/recheck/recheck.ts';
import { newEndIds } from '../../src-main/worker/endTokens.ts';
import type { WrittenAdapter } from './adapters.ts';
import type { Reader } from './reader.ts';

/** What changes no weight of the base. */
const NOT_MERGED = /prefix|adapter/;

/** `scratch`: an empty folder for exports. */
export async function mergeReaders(adapters: WrittenAdapter[], scratch: string): Promise<Reader[]> {
  const merged = adapters.filter(({ name }) => !NOT_MERGED.test(name));
  return Promise.all(merged.map((adapter) => mergeReader(adapter, scratch)));
}

async function mergeReader({ name, dir: source, baseDir }: WrittenAdapter, scratch: string): Promise<Reader> {
  const right = path.join(scratch, name);
  await merge(source, baseDir, right);
  return {
    name: `merge ${name}`,
    async write(dir) {
      fs.cpSync(source, dir, { recursive: true });
      const graft = path.join(dir, 'graft.json');
      const info = JSON.parse(fs.readFileSync(graft, 'utf8')) as Record<string, unknown>;
      // Known to the base, so that the export is the same with it.
      fs.writeFileSync(graft, JSON.stringify({ ...info, endTokens: [{ id: 257, text: '</s>' }] }));
      const files = fs.readdirSync(dir).map((file) => [file, file.endsWith('.json') ? 'json' : 'safetensors'] as const);
      return Object.fromEntries(files);
    },
    async read(dir) {
      const said = recheck(dir, baseDir, right, []);
      const target = path.join(scratch, 'changed');
      fs.rmSync(target, { recursive: true, force: true });
      const eosTokenIds = await merge(dir, baseDir, target);
      return [...said, ...recheck(dir, baseDir, target, eosTokenIds)];
    },
  };
}

async function merge(adapterDir: string, baseDir: string, outDir: string): Promise<number[]> {
  const base = openBaseModel(baseDir);
  try {
    const eosTokenIds = newEndIds([adapterDir], loadTokenizer(baseDir));
    await mergeTasks({ base, tasks: [{ adapter: readAdapter(adapterDir), scale: 1 }], outDir, eosTokenIds });
    return eosTokenIds;
  } finally {
    base.close();
  }
}

function recheck(adapterDir: string, sourceDir: string, exportDir: string, eosTokenIds: number[]): string[] {
  const tasks = [{ adapterDir, scale: 1 }];
  return recheckExport({ sourceDir, exportDir, tasks, dtype: undefined, eosTokenIds }).problems;
}
