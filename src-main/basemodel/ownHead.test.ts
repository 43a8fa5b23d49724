/** A tied base written again with a head of its own: files, index and configuration belong together. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder, TINY_CONFIG, tinyEntries, values, writeTiny } from '../../test-support/fixtures/folders.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { openBaseModel } from './baseModel.ts';
import { withOwnHead } from './ownHead.ts';
import { rewriteBaseModel } from './rewrite.ts';

const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

describe('a head taken apart', () => {
  it.each([
    ['one file', undefined, false],
    ['one file with a copy of the head', undefined, true],
    ['shards', 1000, false],
    ['shards with a copy of the head', 1000, true],
  ] as const)('%s', async (_, shardBytes, copied) => {
    const dir = temporaryFolder();
    const embedding = tinyEntries().find(({ name }) => name === EMBEDDING)!;
    const copy = copied ? [{ ...embedding, name: HEAD }] : [];
    const plain = await writeTiny(path.join(dir, 'plain'), [...tinyEntries(), ...copy], TINY_CONFIG);
    let source = plain;
    if (shardBytes !== undefined) {
      const whole = openBaseModel(plain);
      source = path.join(dir, 'shards');
      await rewriteBaseModel({ base: whole, outDir: source, edit: () => undefined, maxShardBytes: shardBytes });
      whole.close();
    }
    const base = openBaseModel(source);
    const outDir = path.join(dir, 'out');
    const own = values(16 * 8, 99);
    await rewriteBaseModel({
      base: withOwnHead(base),
      outDir,
      edit: ({ name }) =>
        name === HEAD ? (rows, start) => rows.set(own.subarray(start * 8, start * 8 + rows.length)) : undefined,
    });
    const written = openBaseModel(outDir);
    expect(written.spec.tiedHead).toBe(false);
    expect(written.readF32(HEAD)).toEqual(own);
    expect(written.readF32(EMBEDDING)).toEqual(base.readF32(EMBEDDING));
    if (written.index) {
      const bytes = [...written.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(written.index.metadata).toEqual({ total_size: bytes });
      expect(Object.keys(written.index.weight_map)).toContain(HEAD);
    }
    const config = JSON.parse(fs.readFileSync(path.join(outDir, 'config.json'), 'utf8')) as object;
    expect(config).toEqual({ ...TINY_CONFIG, tie_word_embeddings: false });
    written.close();
    base.close();
  });

  it('one that is untied already stays as it is', async () => {
    const head = { name: HEAD, shape: [16, 8], dtype: 'F32' as const, data: () => castF32(values(128, 5), 'F32') };
    const config = { ...TINY_CONFIG, tie_word_embeddings: false };
    const entries = [...tinyEntries().filter(({ name }) => name !== HEAD), head];
    const base = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'm'), entries, config));
    expect(withOwnHead(base)).toBe(base);
    base.close();
  });
});
