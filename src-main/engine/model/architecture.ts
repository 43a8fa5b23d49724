/**
 * What a decoder-only transformer looks like, independent of any checkpoint file format library.
 * One model (decoder.ts) is driven by this record; families/*.ts map a config.json onto it.
 */
import { GraftError } from '../../errors.ts';
import { gpt2Architecture } from './families/gpt2.ts';
import { llamaArchitecture } from './families/llama.ts';

export type Family = 'gpt2' | 'llama' | 'mistral' | 'qwen2';

/** Targets a LoRA can adapt. `qkv` is GPT-2's fused c_attn as a whole; q, k, v are its thirds. */
export const TARGETS = ['q', 'k', 'v', 'qkv', 'o', 'gate', 'up', 'down', 'fc', 'proj'] as const;
export type Target = (typeof TARGETS)[number];

/** `out_in`: weight (out, in) as nn.Linear stores it. `in_out`: (in, out) as GPT-2's Conv1D stores it. */
export type LinearLayout = 'out_in' | 'in_out';

export interface RopeScaling {
  type: 'llama3';
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  originalMaxPositions: number;
}

export interface ArchitectureSpec {
  family: Family;
  /** L, number of blocks. */
  layers: number;
  /** C, width of the residual stream. */
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Width of the MLP's inner layer. */
  intermediate: number;
  vocab: number;
  maxPositions: number;
  norm: 'layer' | 'rms';
  normEps: number;
  positions: 'learned' | 'rotary';
  ropeTheta: number;
  ropeScaling?: RopeScaling;
  /** Layers from `firstLayer` on see only the last `size` tokens, the query's own included. */
  slidingWindow?: { size: number; firstLayer: number };
  mlp: 'gelu' | 'swiglu';
  /** Whether lm_head is the embedding matrix. */
  tiedHead: boolean;
  layout: LinearLayout;
  /** Prefix of every tensor name below the top (`transformer.`, `model.`). */
  prefix: string;
  bosTokenId?: number;
  eosTokenIds: number[];
}

/** One linear layer of the model: its tensors in the file and the targets that can adapt it. */
export interface LinearModule {
  layer: number;
  target: Target;
  /** PEFT's module path below `base_model.model.`, e.g. `model.layers.0.self_attn.q_proj`. */
  module: string;
  /** Name of the last part(s) used in PEFT's `target_modules`, e.g. `q_proj` or `attn.c_proj`. */
  peftName: string;
  weight: string;
  bias?: string;
  inFeatures: number;
  outFeatures: number;
  layout: LinearLayout;
  /** For q, k, v inside a fused matrix: which output columns of `weight` they are. */
  slice?: { start: number; end: number };
}

/** A parsed config.json. */
export type ModelConfig = Record<string, unknown>;

const FAMILIES: Record<string, (config: ModelConfig) => ArchitectureSpec> = {
  gpt2: gpt2Architecture,
  llama: llamaArchitecture,
  mistral: llamaArchitecture,
  qwen2: llamaArchitecture,
};

export const SUPPORTED_MODEL_TYPES = Object.keys(FAMILIES);

/**
 * Maps config.json onto an ArchitectureSpec.
 * Throws GraftError UNKNOWN_ARCHITECTURE naming the supported families, or BAD_CONFIG naming the field that did not fit.
 */
export function architectureFromConfig(config: ModelConfig): ArchitectureSpec {
  const type = config['model_type'];
  const build = typeof type === 'string' && Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (!build) {
    throw new GraftError(
      'UNKNOWN_ARCHITECTURE',
      `config.json names model_type ${JSON.stringify(type ?? null)}, which Graft cannot run; choose a checkpoint of one of: ${SUPPORTED_MODEL_TYPES.join(', ')}.`,
      { modelType: type ?? null, supported: SUPPORTED_MODEL_TYPES },
    );
  }
  return build(config);
}

/** How many tokens a query of this layer sees, itself included; 0: all before it. */
export function windowOf({ slidingWindow }: ArchitectureSpec, layer: number): number {
  return slidingWindow && layer >= slidingWindow.firstLayer ? slidingWindow.size : 0;
}

/** The linear modules that LoRA can adapt, layer by layer, in the order of the forward pass. */
export function linearModules(spec: ArchitectureSpec): LinearModule[] {
  const modules: LinearModule[] = [];
  for (let layer = 0; layer < spec.layers; layer++) {
    modules.push(...(spec.family === 'gpt2' ? gpt2Modules(spec, layer) : llamaModules(spec, layer)));
  }
  return modules;
}

/** Targets that exist in this model, e.g. q, k, v, o, gate, up, down for the Llama family. */
export function availableTargets(spec: ArchitectureSpec): Target[] {
  return spec.family === 'gpt2' ? ['q', 'k', 'v', 'qkv', 'o', 'fc', 'proj'] : ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
}

function gpt2Modules(spec: ArchitectureSpec, layer: number): LinearModule[] {
  const C = spec.hidden;
  const block = `${spec.prefix}h.${layer}.`;
  // PEFT always sees the model class, whose names carry the prefix even where the file's names do not.
  const peftBlock = `transformer.h.${layer}.`;
  const make = (target: Target, name: string, inFeatures: number, outFeatures: number, slice?: LinearModule['slice']): LinearModule => ({
    layer,
    target,
    module: peftBlock + name,
    peftName: name === 'attn.c_attn' ? 'c_attn' : name === 'mlp.c_fc' ? 'c_fc' : name,
    weight: `${block}${name}.weight`,
    bias: `${block}${name}.bias`,
    inFeatures,
    outFeatures,
    layout: 'in_out',
    ...(slice ? { slice } : {}),
  });
  return [
    make('qkv', 'attn.c_attn', C, 3 * C),
    make('q', 'attn.c_attn', C, C, { start: 0, end: C }),
    make('k', 'attn.c_attn', C, C, { start: C, end: 2 * C }),
    make('v', 'attn.c_attn', C, C, { start: 2 * C, end: 3 * C }),
    make('o', 'attn.c_proj', C, C),
    make('fc', 'mlp.c_fc', C, spec.intermediate),
    make('proj', 'mlp.c_proj', spec.intermediate, C),
  ];
}

function llamaModules(spec: ArchitectureSpec, layer: number): LinearModule[] {
  const { hidden: C, intermediate: F } = spec;
  const qOut = spec.heads * spec.headDim;
  const kvOut = spec.kvHeads * spec.headDim;
  const block = `model.layers.${layer}.`;
  const make = (target: Target, path: string, inFeatures: number, outFeatures: number): LinearModule => ({
    layer,
    target,
    module: block + path,
    peftName: path.slice(path.indexOf('.') + 1),
    weight: `${block}${path}.weight`,
    bias: `${block}${path}.bias`,
    inFeatures,
    outFeatures,
    layout: 'out_in',
  });
  return [
    make('q', 'self_attn.q_proj', C, qOut),
    make('k', 'self_attn.k_proj', C, kvOut),
    make('v', 'self_attn.v_proj', C, kvOut),
    make('o', 'self_attn.o_proj', qOut, C),
    make('gate', 'mlp.gate_proj', C, F),
    make('up', 'mlp.up_proj', C, F),
    make('down', 'mlp.down_proj', F, C),
  ];
}
