/** Every family's GGUF passes its certificate: llama.cpp computes what Graft's engine does, quantised or not. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { FAMILIES } from '../../../test-support/cases/ggufFamilies.ts';
import { attachTrained } from '../../../test-support/cases/methodCases.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import type { ModelConfig } from '../../engine/model/architecture.ts';
import { exportGguf } from '../../gguf/exportGguf.ts';
import { tokenizerMetadata } from '../../gguf/tokenizer/toGguf.ts';
import { taskEdits } from '../../merging/merge.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { methodSchema } from '../../../src-shared/methods/registry.ts';
import type { Target } from '../../../src-shared/targets.ts';
import { useBackend } from '../backend.ts';
import { heldOutPrompts } from '../verify/heldOutPrompts.ts';
import { certifyGguf } from './certifyGguf.ts';

/**
 * Rows of whole blocks of 32, and of several: llama.cpp's kernels for AMX compute nonsense on rows of 32 values, where
 * its kernels for AVX-512 on the same processor agree with Graft.
 */
function wide(config: ModelConfig): ModelConfig {
  if (config['model_type'] === 'gpt2') return { ...config, n_embd: 128 };
  return { ...config, hidden_size: 128, intermediate_size: 256, ...('head_dim' in config ? { head_dim: 64 } : {}) };
}

async function trainedOn(sourceDir: string, targets: Target[]): Promise<string> {
  const settings = methodSchema.parse({ type: 'lora', rank: 3, alpha: 12, targets });
  const { base, model, method, outDir } = await attachTrained(sourceDir, settings);
  await method.save();
  model.dispose();
  base.close();
  return outDir;
}

/**
 * By how much llama.cpp's rounding of activations may move a Q4_0 file. Gemma 3's norms double queries and keys here,
 * so that its scores are four times as large.
 */
const roundingOf = (family: string): number => (family === 'gemma3' ? 0.1 : 0.05);

it.each(FAMILIES)('%s', async (family, config, targets) => {
  await useBackend('wasm');
  const sourceDir = await writeTinyModel(path.join(temporaryFolder(), 'base'), { config: wide(config), seed: 3 });
  const adapterDir = await trainedOn(sourceDir, targets);
  const base = openBaseModel(sourceDir);
  const [prompt] = await heldOutPrompts(sourceDir, base.spec, undefined);
  const edit = taskEdits([{ adapter: readAdapter(adapterDir), scale: 1 }], base);
  for (const quantise of ['F32', 'Q4_0'] as const) {
    const file = path.join(temporaryFolder(), 'model.gguf');
    const metadata = tokenizerMetadata(sourceDir, base.config);
    await exportGguf({ base, edit, quantise, tokenizerMetadata: metadata, outFile: file });
    const { run } = await certifyGguf({ file, base, tasks: [{ adapterDir, scale: 1 }], prompts: [prompt!] });
    expect(run!.fileKl ?? run!.kl, quantise).toBeLessThan(quantise === 'F32' ? 1e-6 : roundingOf(family));
  }
  base.close();
});
