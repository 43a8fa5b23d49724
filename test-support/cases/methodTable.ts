/** Methods that the reference data does not have, each with its engine side and its float64 side. */
import type { Adapter } from '../../src-main/methods/adapter.ts';
import { createBitfit, loraBiases } from '../../src-main/methods/bitfit/biases.ts';
import { createBottleneck } from '../../src-main/methods/bottleneck/bottleneck.ts';
import { withMagnitudes } from '../../src-main/methods/lora/dora.ts';
import { createFull } from '../../src-main/methods/full/full.ts';
import { createIa3 } from '../../src-main/methods/ia3/ia3.ts';
import { createLoha } from '../../src-main/methods/loha/loha.ts';
import { createLokr } from '../../src-main/methods/lokr/lokr.ts';
import { createLora, LoraAdapter, type LoraOptions } from '../../src-main/methods/lora/lora.ts';
import { createMiss } from '../../src-main/methods/miss/miss.ts';
import { createPrefix } from '../../src-main/methods/prefix/prefix.ts';
import type { ArchitectureSpec } from '../../src-main/engine/model/architecture.ts';
import type { Target } from '../../src-shared/targets.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import type { Method64, Weights64 } from '../reference/decoder.ts';
import type { BottleneckOptions } from '../../src-main/methods/bottleneck/files.ts';
import type { PrefixOptions } from '../../src-main/methods/prefix/files.ts';
import {
  bottleneckMethod,
  changedWeights,
  doraUpdate,
  batUpdate,
  ia3Method,
  missUpdate,
  lohaUpdate,
  lokrUpdate,
  loraUpdate,
  noUpdate,
  prefixMethod,
  type Values64,
} from '../reference/methods.ts';

export interface TableMethod {
  name: string;
  create(model: Decoder): Adapter;
  /** One function per run, since DoRA's norms stay those of the first call. */
  reference(): (spec: ArchitectureSpec, base: Weights64, values: Values64) => Method64;
  /** Only models with biases. */
  needsBiases?: boolean;
}

const SEED = 5;
const QV: Target[] = ['q', 'v'];
const LORA: LoraOptions = { rank: 3, alpha: 6, dropout: 0, targets: QV, init: 'gaussian' };
const scaleOfLora = (): number => LORA.alpha / LORA.rank;

/** Layer 1 only, ranks 2 (q), 3 (o) and 4 (v), alpha 2 for v and 5 else. */
const PATTERNED: LoraOptions = {
  ...LORA,
  alpha: 5,
  targets: ['q', 'v', 'o'],
  layers: [1],
  rankPattern: { v: 4, '1.q': 2 },
  alphaPattern: { v: 2 },
};

function withBiases(which: 'all' | 'lora_only'): Pick<TableMethod, 'create' | 'reference'> {
  return {
    create(model) {
      const { pairs } = createLora(model.spec, LORA, SEED);
      return new LoraAdapter(
        pairs,
        loraBiases(
          model,
          pairs.map(({ module }) => module),
          which,
        ),
      );
    },
    reference: () => (spec, base, values) => changedWeights(spec, base, values, loraUpdate(scaleOfLora)),
  };
}

function bottleneck(options: BottleneckOptions): TableMethod {
  const name = options.skipLayers ? `AdapterDrop (${options.kind})` : `adapter layers (${options.kind})`;
  return {
    name,
    create: ({ spec }) => createBottleneck(spec, options, SEED),
    reference: () => (_, base, values) => bottleneckMethod(base, values, options.kind),
  };
}

function prefix(options: PrefixOptions): TableMethod {
  return {
    name: `prefix (${options.kind}, ${options.prefixLength} + ${options.infixLength})`,
    create: (model) => createPrefix(model, options, SEED),
    reference: () => (spec, base, values) => prefixMethod(spec, base, values, options),
  };
}

export const TABLE_METHODS: TableMethod[] = [
  {
    name: 'LoRA by layer and matrix',
    create: ({ spec }) => createLora(spec, PATTERNED, SEED),
    reference: () => (spec, base, values) =>
      changedWeights(
        spec,
        base,
        values,
        loraUpdate(({ target }, rank) => (target === 'v' ? 2 : 5) / rank),
      ),
  },
  { name: 'LoRA, bias all', ...withBiases('all') },
  { name: 'LoRA, bias lora_only', ...withBiases('lora_only') },
  {
    name: 'DoRA on q and v',
    create: (model) => new LoraAdapter(withMagnitudes(createLora(model.spec, LORA, SEED).pairs, model)),
    reference() {
      const norms = new Map<string, Float64Array>();
      return (spec, base, values) => changedWeights(spec, base, values, doraUpdate(scaleOfLora(), norms));
    },
  },
  {
    name: 'LoHa',
    create: ({ spec }) => createLoha(spec, { rank: 3, alpha: 6, targets: QV }, SEED),
    reference: () => (spec, base, values) => changedWeights(spec, base, values, lohaUpdate(6)),
  },
  {
    name: 'LoKr, w2 of low rank',
    create: ({ spec }) => createLokr(spec, { rank: 2, alpha: 4, targets: QV }, SEED),
    reference: () => (spec, base, values) => changedWeights(spec, base, values, lokrUpdate(2)),
  },
  {
    name: 'LoKr, w2 whole',
    create: ({ spec }) => createLokr(spec, { rank: 8, alpha: 4, targets: ['o'], factor: 8 }, SEED),
    reference: () => (spec, base, values) => changedWeights(spec, base, values, lokrUpdate(0.5)),
  },
  {
    name: 'IA3',
    create: ({ spec }) => createIa3(spec, { targets: spec.family === 'gpt2' ? ['qkv', 'proj'] : ['k', 'v', 'down'] }),
    reference: () => ia3Method,
  },
  {
    name: 'MiSS, a rank that does not divide',
    create: ({ spec }) => createMiss(spec, { rank: 3, targets: QV, variant: 'miss' }),
    reference: () => (spec, base, values) => changedWeights(spec, base, values, missUpdate),
  },
  {
    name: 'MiSS, bat',
    create: ({ spec }) => createMiss(spec, { rank: 4, targets: ['q', 'o'], variant: 'bat' }),
    reference: () => (spec, base, values) => changedWeights(spec, base, values, batUpdate),
  },
  {
    name: 'full, last layer',
    create: (model) => createFull(model, [model.spec.layers - 1]),
    reference: () => (spec, base, values) => changedWeights(spec, base, values, noUpdate),
  },
  {
    name: 'BitFit',
    create: createBitfit,
    reference: () => (spec, base, values) => changedWeights(spec, base, values, noUpdate),
    needsBiases: true,
  },
  bottleneck({ kind: 'houlsby', bottleneck: 5, skipLayers: 0 }),
  bottleneck({ kind: 'lin', bottleneck: 5, skipLayers: 0 }),
  bottleneck({ kind: 'pfeiffer', bottleneck: 5, skipLayers: 0 }),
  bottleneck({ kind: 'houlsby', bottleneck: 5, skipLayers: 1 }),
  prefix({ kind: 'embedding', prefixLength: 3, infixLength: 2 }),
  prefix({ kind: 'layer', prefixLength: 2, infixLength: 2 }),
  prefix({ kind: 'key-value', prefixLength: 4, infixLength: 0 }),
];
