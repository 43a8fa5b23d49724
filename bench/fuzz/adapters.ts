/** A small valid adapter folder of every method, in PEFT's format and in Graft's own. */
import path from 'node:path';
import { writeAdapterFile, type NamedTensor, type NamedTensors } from '../../src-main/adapters/files.ts';
import { PEFT_PREFIX } from '../../src-main/adapters/peft.ts';
import { openBaseModel, type BaseModel } from '../../src-main/basemodel/baseModel.ts';
import { linearModules, type LinearModule } from '../../src-main/engine/model/architecture.ts';
import { bottleneckShapes } from '../../src-main/methods/bottleneck/files.ts';
import { lokrShapes } from '../../src-main/methods/lokr/files.ts';
import { LOHA_PARTS, lohaShape } from '../../src-main/methods/loha/files.ts';
import { fullLycorisConfig } from '../../src-main/methods/lycoris.ts';
import { fullPeftConfig } from '../../src-main/methods/lora/peftConfig.ts';
import { prefixShapes } from '../../src-main/methods/prefix/files.ts';
import type { AdapterSettings } from '../../src-shared/methods/registry.ts';
import { biasesOf } from '../../src-shared/methods/bitfit.ts';
import { TINY_GPT2, writeTinyModel } from '../../test-support/fixtures/tinyModel.ts';

export interface WrittenAdapter {
  name: string;
  dir: string;
  baseDir: string;
}

const RANK = 2;

function tensorOf(shape: number[]): NamedTensor {
  return { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01) };
}

/** Of q in every layer, under PEFT's names. */
function ofQ(base: BaseModel, parts: (module: LinearModule) => Record<string, number[] | undefined>): NamedTensors {
  const modules = linearModules(base.spec).filter(({ target }) => target === 'q');
  return new Map(
    modules.flatMap((module) =>
      Object.entries(parts(module)).flatMap(([part, shape]) =>
        shape ? [[`${PEFT_PREFIX}${module.module}.${part}`, tensorOf(shape)] as const] : [],
      ),
    ),
  );
}

const LYCORIS = {
  r: RANK,
  alpha: 4,
  target_modules: ['q_proj'],
  layers_to_transform: null,
  base_model_name_or_path: null,
};

/** PEFT's configuration and tensors on a Llama. */
function peftFolders(base: BaseModel): [name: string, config: Record<string, unknown>, tensors: NamedTensors][] {
  const pair = ({ inFeatures, outFeatures }: LinearModule) => ({
    'lora_A.weight': [RANK, inFeatures],
    'lora_B.weight': [outFeatures, RANK],
  });
  const lora = {
    r: RANK,
    lora_alpha: 4,
    lora_dropout: 0,
    target_modules: ['q_proj'],
    fan_in_fan_out: false,
    base_model_name_or_path: null,
    rank_pattern: { 'layers.0.self_attn.q_proj': RANK },
    alpha_pattern: { '.*q_proj': 8 },
  };
  const prefix = { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 2, num_transformer_submodules: 1 };
  const promptShapes = prefixShapes(base.spec, { kind: 'key-value', prefixLength: 2, infixLength: 0 });
  return [
    ['LoRA', fullPeftConfig(lora), ofQ(base, pair)],
    [
      'DoRA',
      fullPeftConfig({ ...lora, use_dora: true }),
      ofQ(base, (module) => ({ ...pair(module), lora_magnitude_vector: [module.outFeatures] })),
    ],
    [
      'LoHa',
      fullLycorisConfig('LOHA', LYCORIS),
      ofQ(base, (module) => Object.fromEntries(LOHA_PARTS.map((part) => [part, lohaShape(part, module, RANK)]))),
    ],
    ['LoKr', fullLycorisConfig('LOKR', LYCORIS), ofQ(base, (module) => lokrShapes(module, RANK))],
    [
      'IA3',
      { peft_type: 'IA3', target_modules: ['q_proj'] },
      ofQ(base, ({ outFeatures }) => ({ ia3_l: [outFeatures, 1] })),
    ],
    [
      'MiSS',
      { peft_type: 'MISS', r: RANK, target_modules: ['q_proj'] },
      ofQ(base, ({ outFeatures }) => ({ miss_block: [RANK, outFeatures] })),
    ],
    ['prefix tuning', prefix, new Map(promptShapes.map(({ name, shape }) => [name, tensorOf(shape)]))],
  ];
}

/** Settings and tensors in Graft's own format, on a GPT-2, which has biases. */
function ownFolders(base: BaseModel): [method: AdapterSettings, tensors: NamedTensors][] {
  const bottleneck = { type: 'adapter', kind: 'houlsby', bottleneck: 2, nonlinearity: 'gelu', skipLayers: 0 } as const;
  const prefix = { type: 'prefix', kind: 'layer', prefixLength: 2, infixLength: 1 } as const;
  const shaped = (shapes: { name: string; shape: number[] }[]): NamedTensors =>
    new Map(shapes.map(({ name, shape }) => [name, tensorOf(shape)]));
  const names = biasesOf([...base.tensors.keys()]);
  return [
    [{ type: 'bitfit' }, shaped(names.map((name) => ({ name, shape: base.tensors.get(name)!.shape })))],
    [bottleneck as AdapterSettings, shaped(bottleneckShapes(base.spec, bottleneck))],
    [prefix, shaped(prefixShapes(base.spec, prefix))],
  ];
}

export async function writeAdapters(root: string): Promise<WrittenAdapter[]> {
  const llamaDir = await writeTinyModel(path.join(root, 'llama'));
  const gpt2Dir = await writeTinyModel(path.join(root, 'gpt2'), { config: TINY_GPT2 });
  const [llama, gpt2] = [openBaseModel(llamaDir), openBaseModel(gpt2Dir)];
  const info = {
    format: 1,
    baseName: 'tiny',
    task: 'fuzz',
    runId: 'run-1',
    createdAt: '2026-01-01T00:00:00Z',
  } as const;
  const written: WrittenAdapter[] = [];
  const add = async (name: string, baseDir: string, parts: Parameters<typeof writeAdapterFile>[1]): Promise<void> => {
    const dir = path.join(root, `adapter-${written.length}`);
    await writeAdapterFile(dir, parts);
    written.push({ name, dir, baseDir });
  };
  for (const [name, config, tensors] of peftFolders(llama))
    await add(name, llamaDir, { config, tensors, graft: { ...info, baseHash: llama.hash } });
  for (const [method, tensors] of ownFolders(gpt2))
    await add(`${method.type} (own format)`, gpt2Dir, { tensors, graft: { ...info, method, baseHash: gpt2.hash } });
  llama.close();
  gpt2.close();
  return written;
}
