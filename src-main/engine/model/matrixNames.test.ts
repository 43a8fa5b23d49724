import { expect, it } from 'vitest';
import { placeOfMatrix } from '../../../src-shared/labMatrices.ts';
import { linearModules, SUPPORTED_MODEL_TYPES } from './architecture.ts';
import type { ArchitectureSpec } from './spec.ts';

it.each(SUPPORTED_MODEL_TYPES.filter((type) => type !== 'gemma3'))(
  'the matrices of %s are told by their names in the checkpoint',
  (family) => {
    const spec = {
      ...{ family, layers: 12, hidden: 8, heads: 2, kvHeads: 2, headDim: 4, intermediate: 16, vocab: 32 },
      ...{ prefix: family === 'gpt_neox' ? 'gpt_neox.' : 'model.', layout: 'out_in' },
    } as ArchitectureSpec;
    const modules = linearModules(spec).filter(({ slice }) => !slice);
    expect(modules.length).toBeGreaterThan(40);
    for (const { weight, layer, target } of modules)
      expect(placeOfMatrix(weight.replace(/\.weight$/, ''))).toEqual({ layer, target });
  },
);
