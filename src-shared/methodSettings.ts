/**
 * The settings of every fine-tuning method, as a run is started with and the catalogue keeps them. docs/methods.md
 * explains each.
 */
import { z } from 'zod';
import { TARGETS } from './targets.ts';

const targetsSchema = z.array(z.enum(TARGETS)).min(1);
/** Layers that take part, 0-based; absent: all. */
const layersSchema = z.array(z.number().int().min(0)).min(1).optional();
/** Single matrices left out of `targets` in `layers`, by layer and target: `3.q`. */
const excludeSchema = z.array(z.string()).min(1).optional();
const rankSchema = z.number().int().default(8);

export const loraSchema = z.object({
  type: z.literal('lora'),
  rank: rankSchema,
  alpha: z.number().positive().default(16),
  dropout: z.number().min(0).max(0.95).default(0),
  targets: targetsSchema.default(['q', 'v']),
  layers: layersSchema,
  exclude: excludeSchema,
  /** Rank and alpha of single matrices: by target (`q`), or by layer and target (`3.q`), which counts more. */
  rankPattern: z.record(z.string(), z.number().int().min(1)).optional(),
  alphaPattern: z.record(z.string(), z.number().positive()).optional(),
  /** Scale alpha/sqrt(r) instead of alpha/r (Kalajdzievski 2023). */
  rslora: z.boolean().optional(),
  /** Weight-decomposed LoRA (Liu et al. 2024): a trained magnitude per output, beside the direction. */
  dora: z.boolean().optional(),
  /** Biases trained along: none, those of the adapted layers, or all of the model. */
  bias: z.enum(['none', 'lora_only', 'all']).optional(),
  /** LoRA+ (Hayou et al. 2024): B learns this many times faster than A; absent: 1. */
  loraPlusRatio: z.number().positive().optional(),
  /**
   * `gaussian`: A ~ N(0, 1/r). `kaiming`: PEFT's default, A ~ U(-1/sqrt(in), 1/sqrt(in)). B = 0 in both. `pissa`:
   * principal singular vectors and values (Meng et al. 2024), the base replaced by what is left.
   */
  init: z.enum(['gaussian', 'kaiming', 'pissa']).default('kaiming'),
});

/** LoKr (Yeh et al. 2024): the update is a Kronecker product. */
export const lokrSchema = z.object({
  type: z.literal('lokr'),
  rank: rankSchema,
  alpha: z.number().positive().default(8),
  targets: targetsSchema.default(['q', 'v']),
  layers: layersSchema,
  exclude: excludeSchema,
  /** Size of the left factor; absent: as square as the sizes allow. */
  factor: z.number().int().min(1).optional(),
});

/** LoHa (Hyeon-Woo et al. 2022): the update is the element-wise product of two low-rank matrices. */
export const lohaSchema = z.object({
  type: z.literal('loha'),
  rank: rankSchema,
  alpha: z.number().positive().default(8),
  targets: targetsSchema.default(['q', 'v']),
  layers: layersSchema,
  exclude: excludeSchema,
});

/** Every weight, or every weight of the blocks in `layers` only (the paper's top-2: the last two). */
export const fullSchema = z.object({ type: z.literal('full'), layers: layersSchema });

/** Biases only (Ben Zaken et al. 2022). */
export const bitfitSchema = z.object({ type: z.literal('bitfit') });

/**
 * Bottleneck adapter layers: Houlsby et al. 2019, Lin et al. 2020, Pfeiffer et al. 2021; `skipLayers`: AdapterDrop
 * (Rücklé et al. 2021).
 */
export const adapterLayersSchema = z.object({
  type: z.literal('adapter'),
  kind: z.enum(['houlsby', 'lin', 'pfeiffer']).default('houlsby'),
  /** r, width of the bottleneck. */
  bottleneck: z.number().int().min(1).default(16),
  /** Lowest layers that get no adapter. */
  skipLayers: z.number().int().min(0).default(0),
});

/**
 * Virtual tokens (Li & Liang 2021; Hu et al. 2021, section 5.1). `embedding`: trained input vectors. `layer`: trained
 * activations at the input of every block. `key-value`: trained keys and values of every layer, as PEFT's prefix
 * tuning.
 */
export const prefixSchema = z.object({
  type: z.literal('prefix'),
  kind: z.enum(['embedding', 'layer', 'key-value']).default('key-value'),
  /** l_p, tokens in front of the input. */
  prefixLength: z.number().int().min(0).default(8),
  /** l_i, tokens between prompt and answer; not with key-value. */
  infixLength: z.number().int().min(0).default(0),
});

export const methodSchema = z.discriminatedUnion('type', [
  loraSchema,
  lokrSchema,
  lohaSchema,
  fullSchema,
  bitfitSchema,
  adapterLayersSchema,
  prefixSchema,
]);

export type LoraSettings = z.infer<typeof loraSchema>;
export type FullSettings = z.infer<typeof fullSchema>;
export type AdapterLayersSettings = z.infer<typeof adapterLayersSchema>;
export type PrefixSettings = z.infer<typeof prefixSchema>;
export type MethodSettings = z.infer<typeof methodSchema>;
/** What ends as an adapter beside its base, not as a whole model. */
export type AdapterSettings = Exclude<MethodSettings, FullSettings>;
