/** The second reading of a LoRA in GGUF: right files of every family pass, wrong ones are found. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FAMILIES } from '../../../test-support/cases/ggufFamilies.ts';
import { attachTrained } from '../../../test-support/cases/methodCases.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { unpermute } from '../../../test-support/fixtures/wrongGguf.ts';
import { writeGgufLora } from '../../adapters/formats/ggufWrite.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import type { ModelConfig } from '../../engine/model/architecture.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { methodSchema } from '../../../src-shared/methods/registry.ts';
import type { GgufReading } from '../../../src-shared/ggufCertificate.ts';
import type { Target } from '../../../src-shared/targets.ts';
import { useBackend } from '../../worker/backend.ts';
import { recheckGgufLora } from './recheckLora.ts';

beforeAll(async () => void (await useBackend('wasm')));

interface Made {
  file: string;
  sourceDir: string;
  adapterDir: string;
}

async function made(config: ModelConfig, targets: Target[], settings: object = {}): Promise<Made> {
  const sourceDir = await writeTinyModel(path.join(temporaryFolder(), 'base'), { config, seed: 3 });
  const lora = methodSchema.parse({ type: 'lora', rank: 3, alpha: 12, targets, ...settings });
  const { base, model, method, outDir: adapterDir } = await attachTrained(sourceDir, lora);
  await method.save();
  model.dispose();
  base.close();
  const opened = openBaseModel(sourceDir);
  const file = path.join(temporaryFolder(), 'adapter.gguf');
  await writeGgufLora({ base: opened, content: readAdapter(adapterDir).on(opened), adapterDir, outFile: file });
  opened.close();
  return { file, sourceDir, adapterDir };
}

const reread = ({ file, sourceDir, adapterDir }: Made, scale = 1): Promise<GgufReading> =>
  recheckGgufLora({ file, sourceDir, tasks: [{ adapterDir, scale }] });

it.each(FAMILIES)(
  '%s: right files pass, with ranks and alphas of single matrices and rsLoRA',
  async (_, config, targets) => {
    const last = targets.at(-1)!;
    for (const settings of [{}, { rslora: true, rankPattern: { [last]: 2 }, alphaPattern: { o: 5 } }]) {
      const reading = await reread(await made(config, targets, settings));
      expect(reading).toMatchObject({ problems: [], passed: true, keysChecked: 3 });
      const { num_hidden_layers: layers = 2 } = config as { num_hidden_layers?: number };
      expect(reading.tensors).toBe(2 * layers * targets.length);
    }
  },
);

it('parts of a fused layer pass', async () => {
  const reading = await reread(await made({ ...TINY_LLAMA, model_type: 'phi3' }, ['q', 'v', 'up']));
  expect(reading).toMatchObject({ problems: [], passed: true });
});

describe('finds', () => {
  it('another scale', async () => {
    expect((await reread(await made(TINY_LLAMA, ['q', 'down']), 1.001)).problems[0]).toMatch(
      / where the adapter adds /,
    );
  });

  it('rows of q in the order of the source', async () => {
    const one = await made(TINY_LLAMA, ['q']);
    await unpermute(one.file, 'blk.1.attn_q.weight.lora_b', 4);
    expect((await reread(one)).problems).toEqual([expect.stringMatching(/^blk\.1\.attn_q\.weight adds /)]);
  });

  it('a matrix that the file lacks, and one that it has beside the adapter', async () => {
    const [both, one] = [await made(TINY_LLAMA, ['q', 'v']), await made(TINY_LLAMA, ['q'])];
    expect((await reread({ ...both, file: one.file })).problems).toContain(
      'what the adapter does to model.layers.0.self_attn.v_proj.weight is not in the file',
    );
    expect((await reread({ ...one, file: both.file })).problems).toContain(
      'blk.0.attn_v.weight is in the file and not in the adapter',
    );
  });
});
