/** Certificates of GGUF files by llama.cpp: right ones pass, wrong ones do not and are removed. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomAdapter } from '../../../test-support/fixtures/adapters.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { unpermute } from '../../../test-support/fixtures/wrongGguf.ts';
import { writeGgufLora } from '../../adapters/formats/ggufWrite.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { exportGguf } from '../../gguf/exportGguf.ts';
import type { Quantisation } from '../../../src-shared/exports.ts';
import { tokenizerMetadata } from '../../gguf/tokenizer/toGguf.ts';
import { openRunner } from '../../llamacpp/runtime.ts';
import { taskEdits } from '../../merging/merge.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import type { GraftError } from '../../../src-shared/errors.ts';
import type { GgufCertificate } from '../../../src-shared/ggufCertificate.ts';
import { useBackend } from '../backend.ts';
import { heldOutPrompts } from '../verify/heldOutPrompts.ts';
import { referencesOf } from '../verify/reference.ts';
import { certifyGguf, type CertifyGgufParams } from './certifyGguf.ts';
import { klBoundOf } from './klBounds.ts';
import { distancesOf } from './runGguf.ts';

const STARTER = path.resolve(import.meta.dirname, '../../../resources/starter/model');

let base: BaseModel;
let adapterDir: string;
let prompts: Int32Array[];
let folder: string;

beforeAll(async () => {
  await useBackend('wasm');
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-test-'));
  base = openBaseModel(STARTER);
  prompts = (await heldOutPrompts(STARTER, base.spec, undefined)).slice(0, 3);
  adapterDir = await randomAdapter(STARTER, ['q', 'k', 'v', 'up'], 1, path.join(folder, 'adapter'));
  return () => {
    base.close();
    fs.rmSync(folder, { recursive: true });
  };
});

interface Wrong {
  /** Factor on the adapter that the file is made with. */
  scale?: number;
  ropeTheta?: number;
  endIds?: number[];
}

async function written(quantise: Quantisation, { scale = 1, ropeTheta, endIds = [] }: Wrong = {}): Promise<string> {
  const outFile = path.join(temporaryFolder(), 'model.gguf');
  await exportGguf({
    base: { ...base, spec: { ...base.spec, ropeTheta: ropeTheta ?? base.spec.ropeTheta } },
    edit: taskEdits([{ adapter: readAdapter(adapterDir), scale }], base),
    quantise,
    tokenizerMetadata: tokenizerMetadata(STARTER, base.config, { endIds }),
    outFile,
  });
  return outFile;
}

function certify(file: string, more: Partial<CertifyGgufParams> = {}): Promise<GgufCertificate> {
  return certifyGguf({ file, base, tasks: [{ adapterDir, scale: 1 }], prompts, ...more });
}

async function failure(
  certified: Promise<GgufCertificate>,
): Promise<{ error: GraftError; certificate: GgufCertificate }> {
  const error = await certified.then(
    () => expect.unreachable('the certificate passed'),
    (one: unknown) => one as GraftError,
  );
  expect(error.code).toBe('PARITY_FAILED');
  return { error, certificate: error.details['certificate'] as GgufCertificate };
}

describe('a right file passes', () => {
  it.each([
    ['F32', 1e-5],
    ['F16', 1e-4],
    ['Q8_0', 0.1],
    ['Q4_K_M', 0.1],
  ] as const)('%s', async (quantise, klBound) => {
    const done: number[] = [];
    const { reading, run, passed } = await certify(await written(quantise), { onProgress: (n) => done.push(n) });
    expect({ reading: reading.problems, run: run?.problems, passed }).toEqual({ reading: [], run: [], passed: true });
    expect(run).toMatchObject({ prompts: 3, klBound, texts: 11, equalTexts: 11 });
    const isQuantised = klBound > 0.01;
    expect(run!.fileKl === null).toBe(!isQuantised);
    expect(run!.fileKl ?? run!.kl).toBeLessThan(klBound / 2);
    expect(run!.kl).toBeGreaterThan(run!.fileKl ?? 0);
    expect(run!.equalGreedyShare).toBeGreaterThan(isQuantised ? 0.7 : 0.99);
    expect(run!.perplexity / run!.referencePerplexity).toBeCloseTo(1, isQuantised ? 0 : 2);
    expect(done).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('and one whose end token was taught', async () => {
    const endIds = [100];
    const file = await written('F16', { endIds });
    expect((await certify(file, { endIds })).passed).toBe(true);
    const { error } = await failure(certify(file, { endIds: [101] }));
    expect(error.message).toContain('llama.cpp does not end at');
  });
});

describe('a wrong file fails and is removed', () => {
  it.each([
    ['an alpha a tenth too large', { scale: 1.1 }, "of the adapter's update|where source and adapter give"],
    ['another rope base', { ropeTheta: 9000 }, 'llama.rope.freq_base is 9000'],
  ] as const)('%s', async (_, wrong, words) => {
    const file = await written('Q8_0', wrong);
    const { error, certificate } = await failure(certify(file));
    expect(error.message).toMatch(new RegExp(words));
    expect(error.message).toMatch(/nothing was exported.*\.$/);
    expect(certificate).toMatchObject({ passed: false, run: null });
    expect(fs.existsSync(file)).toBe(false);
  });

  it('or is kept where it is wanted all the same', async () => {
    const file = await written('F16', { scale: 1.1 });
    expect(await certify(file, { allowFailedCertificate: true })).toMatchObject({
      passed: false,
      keptDespiteFailure: true,
    });
    expect(fs.existsSync(file)).toBe(true);
  });
});

describe('llama.cpp tells a wrong file by itself', () => {
  it.each([
    ['an alpha a tenth too large', { scale: 1.1 }, false],
    ['another rope base', { ropeTheta: 9000 }, false],
    ['rows of q in the order of the source', {}, true],
  ] as const)('%s', async (_, wrong, turned) => {
    const file = await written('F16', wrong);
    if (turned) await unpermute(file, 'blk.0.attn_q.weight', base.spec.headDim);
    const references = await referencesOf(base, [{ adapterDir, scale: 1 }], prompts.slice(0, 1), () => undefined);
    const runner = await openRunner(file, { vocab: base.spec.vocab, contextLength: 64 });
    const { kl } = await distancesOf(runner, references, () => undefined);
    await runner.dispose();
    expect(kl).toBeGreaterThan(10 * klBoundOf(['F16']).bound);
  });
});

describe('an adapter at run time', () => {
  async function lora(): Promise<string> {
    const outFile = path.join(temporaryFolder(), 'adapter.gguf');
    await writeGgufLora({ base, content: readAdapter(adapterDir).on(base), adapterDir, outFile });
    return outFile;
  }

  async function baseFile(ropeTheta?: number): Promise<string> {
    const outFile = path.join(temporaryFolder(), 'base.gguf');
    const spec = { ...base.spec, ropeTheta: ropeTheta ?? base.spec.ropeTheta };
    const metadata = tokenizerMetadata(STARTER, base.config);
    await exportGguf({ base: { ...base, spec }, quantise: 'F32', tokenizerMetadata: metadata, outFile });
    return outFile;
  }

  it('passes', async () => {
    const { reading, run, passed } = await certify(await baseFile(), { adapter: await lora() });
    expect({ problems: [...reading.problems, ...run!.problems], passed }).toEqual({ problems: [], passed: true });
    expect(reading.valuesChecked).toBeGreaterThan(10_000);
    expect(run!.kl).toBeLessThan(1e-5);
  });

  it('of another alpha, or another adapter, fails', async () => {
    for (const scale of [0.9, -1]) {
      const { error } = await failure(
        certify(await baseFile(), { adapter: await lora(), tasks: [{ adapterDir, scale }] }),
      );
      expect(error.message).toContain('where the adapter adds');
    }
  });

  it('llama.cpp itself tells a base with another rope base, which is not read here', async () => {
    const { certificate, error } = await failure(certify(await baseFile(9000), { adapter: await lora() }));
    expect(certificate.reading.passed).toBe(true);
    expect(certificate.run!.kl).toBeGreaterThan(1e-3);
    expect(error.message).toContain("llama.cpp's next tokens diverge");
  });
});

it('stops where it is told to', async () => {
  const control = new AbortController();
  const file = await written('F16');
  const certified = certify(file, { signal: control.signal, onProgress: () => control.abort(new Error('enough')) });
  await expect(certified).rejects.toThrow('enough');
});
