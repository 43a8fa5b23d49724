/**
 * Adapters so strong that rounding to 16 bits alone moves the logits by more than a fixed tolerance allowed
 * (../shared/bugs, case 29): the export is right all the same. How far it moves them is worked out in NumPy.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaleAlphaOnDisk } from '../../../test-support/fixtures/adapters.ts';
import {
  makeFolders,
  oneHeldOutPrompt,
  runPython,
  STORIES,
  strangersNote,
} from '../../../test-support/fixtures/strangers.ts';
import { sharedPath } from '../../../test-support/goldens/shared.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { heldOutPrompts } from './heldOutPrompts.ts';
import { mergeAndVerify } from './merge.ts';

const note = strangersNote();
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-strong-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));
const adapters = path.join(root, 'adapters');
const modelDir = sharedPath(STORIES);

/** The tolerances that refused such exports. */
const REFUSED_ABOVE = { bf16: 1.2, f16: 0.149 };
const LAYERS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
/** How many times the folder's own alpha, and what each layer's is then; `patterns` has one of its own for q_proj. */
const STRONGER = {
  patterns: { factor: 4, alpha: { q_proj: 32, v_proj: 32 } },
  'all-linear': { factor: 2, alpha: Object.fromEntries(LAYERS.map((name) => [name, 16])) },
};
const NAMES = Object.keys(STRONGER) as (keyof typeof STRONGER)[];
const CASES = NAMES.flatMap((name) => (['bf16', 'f16'] as const).map((dtype) => [name, dtype] as const));

describe.skipIf(note !== '')(`strong adapters${note}`, () => {
  let heldOut: ReturnType<typeof oneHeldOutPrompt>;
  let rounding: Record<'bf16' | 'f16', number>[];
  beforeAll(async () => {
    makeFolders('make_adapters.py', adapters);
    for (const name of NAMES) scaleAlphaOnDisk(path.join(adapters, name), STRONGER[name].factor);
    heldOut = oneHeldOutPrompt(root);
    const base = openBaseModel(modelDir);
    base.close();
    const asked = {
      model: modelDir,
      cases: NAMES.map((name) => ({ adapter: path.join(adapters, name), alpha: STRONGER[name].alpha })),
      prompts: (await heldOutPrompts(modelDir, base.spec, heldOut)).map((ids) => [...ids]),
      continuation: 16,
    };
    const script = path.resolve(import.meta.dirname, '../../../test-support/reference/merged_rounding.py');
    rounding = JSON.parse(runPython([script], { input: JSON.stringify(asked) })) as typeof rounding;
  });

  it.each(CASES)('%s merges into %s, and its certificate shows what rounding alone does', async (name, dtype) => {
    const outDir = path.join(root, `${name}-${dtype}`);
    const params = { modelDir, adapterDir: path.join(adapters, name), outDir, dtype, heldOut };
    const { certificate } = await mergeAndVerify({ engine: 'tensorflow', ...params }, () => undefined);
    expect(certificate).toMatchObject({ passed: true, prompts: 1, reading: { problems: [] } });
    expect(certificate.maxLogitDifference).toBeGreaterThan(REFUSED_ABOVE[dtype]);
    expect(certificate.rounding! / rounding[NAMES.indexOf(name)]![dtype]).toBeCloseTo(1, 2);
  });
});
