/** The tensors that a model of a given architecture must have, with their shapes. */
import { linearModules, type ArchitectureSpec, type LinearModule, type ModelConfig } from '../engine/model/architecture.ts';

export interface ExpectedTensor {
  /** With the prefix of the ArchitectureSpec. */
  name: string;
  shape: number[];
  /** May be absent; when present its shape must fit. */
  optional: boolean;
}

/** Every tensor the forward pass reads. A tied head is not listed: it is the embedding. */
export function expectedTensors(spec: ArchitectureSpec, config: ModelConfig): ExpectedTensor[] {
  const expected = spec.family === 'gpt2' ? gpt2Norms(spec) : llamaNorms(spec);
  for (const module of linearModules(spec)) {
    if (module.slice) continue; // a third of qkv, which is listed itself
    const { inFeatures, outFeatures, layout } = module;
    expected.push(required(module.weight, layout === 'in_out' ? [inFeatures, outFeatures] : [outFeatures, inFeatures]));
    if (module.bias) expected.push({ name: module.bias, shape: [outFeatures], optional: !biasRequired(spec, config, module) });
  }
  if (!spec.tiedHead) expected.push(required('lm_head.weight', [spec.vocab, spec.hidden]));
  return expected;
}

function required(name: string, shape: number[]): ExpectedTensor {
  return { name, shape, optional: false };
}

/** GPT-2 always has biases, Qwen2 on q, k, v; elsewhere config.json says so, and a bias in the file is used too. */
function biasRequired(spec: ArchitectureSpec, config: ModelConfig, { target }: LinearModule): boolean {
  if (spec.family === 'gpt2') return true;
  if (spec.family === 'qwen2') return target === 'q' || target === 'k' || target === 'v';
  const inMlp = target === 'gate' || target === 'up' || target === 'down';
  return config[inMlp ? 'mlp_bias' : 'attention_bias'] === true;
}

function gpt2Norms({ prefix, layers, hidden, vocab, maxPositions }: ArchitectureSpec): ExpectedTensor[] {
  const norms = ['ln_f', ...Array.from({ length: layers }, (_, i) => [`h.${i}.ln_1`, `h.${i}.ln_2`]).flat()];
  return [
    required(`${prefix}wte.weight`, [vocab, hidden]),
    required(`${prefix}wpe.weight`, [maxPositions, hidden]),
    ...norms.flatMap((norm) => [required(`${prefix}${norm}.weight`, [hidden]), required(`${prefix}${norm}.bias`, [hidden])]),
  ];
}

function llamaNorms({ prefix, layers, hidden, vocab }: ArchitectureSpec): ExpectedTensor[] {
  const norms = ['norm', ...Array.from({ length: layers }, (_, i) => [`layers.${i}.input_layernorm`, `layers.${i}.post_attention_layernorm`]).flat()];
  return [required(`${prefix}embed_tokens.weight`, [vocab, hidden]), ...norms.map((norm) => required(`${prefix}${norm}.weight`, [hidden]))];
}
