/**
 * What a decoder-only transformer looks like, independent of file formats and libraries.
 * One model (decoder.ts) is driven by this record; families/*.ts map a config.json onto it.
 */
import { TARGETS, type Target } from '../../../src-shared/targets.ts';
import { shownValue } from '../../../src-shared/shownValue.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { gemma2Family } from './families/gemma2.ts';
import { gemma3Family } from './families/gemma3.ts';
import { gpt2Family } from './families/gpt2.ts';
import { gptNeoxFamily } from './families/gptNeox.ts';
import { graniteFamily } from './families/granite.ts';
import { llamaFamily } from './families/llama.ts';
import { olmo2Family } from './families/olmo2.ts';
import { phi3Family } from './families/phi3.ts';
import { smollm3Family } from './families/smollm3.ts';
import { isMultimodal, MULTIMODAL_TYPES, textPartOf, TEXT_PREFIX } from './multimodal.ts';
import type { ArchitectureSpec, Family, FamilyRules, LinearModule, ModelConfig } from './spec.ts';

export type { ArchitectureSpec, Family, LinearModule, ModelConfig };
export type { LinearLayout, RopeScaling, TensorNames } from './spec.ts';

const FAMILIES: Record<Family, FamilyRules> = {
  gpt2: gpt2Family,
  llama: llamaFamily,
  mistral: llamaFamily,
  qwen2: llamaFamily,
  qwen3: llamaFamily,
  gemma2: gemma2Family,
  gemma3_text: gemma3Family,
  olmo2: olmo2Family,
  smollm3: smollm3Family,
  granite: graniteFamily,
  phi3: phi3Family,
  gpt_neox: gptNeoxFamily,
};

export function familyRules(family: Family): FamilyRules {
  return FAMILIES[family];
}

export const SUPPORTED_MODEL_TYPES = [...Object.keys(FAMILIES), ...MULTIMODAL_TYPES];

/**
 * Maps config.json onto an ArchitectureSpec.
 * Throws GraftError UNKNOWN_ARCHITECTURE naming the supported families, or BAD_CONFIG naming the field that did not
 * fit.
 */
export function architectureFromConfig(config: ModelConfig): ArchitectureSpec {
  const text = textPartOf(config);
  const type = text['model_type'];
  if (typeof type !== 'string' || !Object.hasOwn(FAMILIES, type)) {
    throw new GraftError(
      'UNKNOWN_ARCHITECTURE',
      `config.json names model_type ${shownValue(type ?? null)}, which Graft cannot run; choose a ` +
        `checkpoint of one of: ${SUPPORTED_MODEL_TYPES.join(', ')}.`,
      { modelType: type ?? null, supported: SUPPORTED_MODEL_TYPES },
    );
  }
  const spec = FAMILIES[type as Family].spec(text);
  return isMultimodal(config) ? { ...spec, prefix: TEXT_PREFIX, multimodal: true } : spec;
}

/** How many tokens a query of this layer sees, itself included; 0: all before it. */
export function windowOf({ slidingWindow }: ArchitectureSpec, layer: number): number {
  return slidingWindow?.layers.includes(layer) ? slidingWindow.size : 0;
}

/** The linear modules that LoRA can adapt, layer by layer, in the order of the forward pass. */
export function linearModules(spec: ArchitectureSpec): LinearModule[] {
  const { modules } = FAMILIES[spec.family];
  return Array.from({ length: spec.layers }, (_, layer) => modules(spec, layer)).flat();
}

/** Targets that exist in this model, e.g. q, k, v, o, gate, up, down for the Llama family. */
export function availableTargets(spec: ArchitectureSpec): Target[] {
  const own = new Set(FAMILIES[spec.family].modules(spec, 0).map(({ target }) => target));
  return TARGETS.filter((target) => own.has(target));
}
