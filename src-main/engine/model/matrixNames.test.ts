import { expect, it } from 'vitest';
import { placeOfMatrix } from '../../../src-shared/labMatrices.ts';
import { linearModules } from './architecture.ts';
import type { ArchitectureSpec } from './spec.ts';

const FAMILIES = ['gpt2', 'llama', 'mistral', 'qwen2', 'qwen3', 'gemma2', 'phi3', 'gpt_neox'] as const;

it.each(FAMILIES)('the matrices of %s are told by their names in the checkpoint', (family) => {
  const spec = {
    ...{ family, layers: 12, hidden: 8, heads: 2, kvHeads: 2, headDim: 4, intermediate: 16, vocab: 32 },
    ...{ prefix: family === 'gpt_neox' ? 'gpt_neox.' : '', layout: 'out_in' },
  } as ArchitectureSpec;
  const modules = linearModules(spec).filter(({ slice }) => !slice);
  expect(modules.length).toBeGreaterThan(40);
  for (const { weight, layer, target } of modules)
    expect(placeOfMatrix(weight.replace(/\.weight$/, ''))).toEqual({ layer, target });
});
