/** The tensors that a model of a given architecture must have, with their shapes. */
import { familyRules, linearModules, type ArchitectureSpec, type ModelConfig } from '../engine/model/architecture.ts';
import {
  finalNormNames,
  headName,
  headNormNames,
  normNames,
  positionEmbeddingName,
  postNormNames,
  tokenEmbeddingName,
} from '../engine/model/tensorNames.ts';

export interface ExpectedTensor {
  /** With the prefix of the ArchitectureSpec. */
  name: string;
  shape: number[];
  /** May be absent; when present its shape must fit. */
  optional: boolean;
}

/** Every tensor the forward pass reads. A tied head is not listed: it is the embedding. */
export function expectedTensors(spec: ArchitectureSpec, config: ModelConfig): ExpectedTensor[] {
  const { vocab, hidden, maxPositions } = spec;
  const { biasRequired } = familyRules(spec.family);
  const expected = [required(tokenEmbeddingName(spec), [vocab, hidden])];
  if (spec.positions === 'learned') expected.push(required(positionEmbeddingName(spec), [maxPositions, hidden]));
  expected.push(...norms(spec));
  for (const module of linearModules(spec)) {
    if (module.slice) continue; // a part of a fused matrix, which is listed itself
    const { inFeatures, outFeatures, layout } = module;
    expected.push(required(module.weight, layout === 'in_out' ? [inFeatures, outFeatures] : [outFeatures, inFeatures]));
    if (module.bias)
      expected.push({ name: module.bias, shape: [outFeatures], optional: !biasRequired(module.target, config) });
  }
  if (!spec.tiedHead) expected.push(required(headName(spec), [vocab, hidden]));
  return expected;
}

function required(name: string, shape: number[]): ExpectedTensor {
  return { name, shape, optional: false };
}

function norms(spec: ArchitectureSpec): ExpectedTensor[] {
  const layers = Array.from({ length: spec.layers }, (_, layer) => layer);
  const wide = [
    finalNormNames(spec),
    ...layers.flatMap((layer) => [...normNames(spec, layer), ...(spec.postNorms ? postNormNames(spec, layer) : [])]),
  ];
  return [
    ...wide.flat().map((name) => required(name, [spec.hidden])),
    ...(spec.qkNorm ? layers.flatMap((layer) => headNorms(spec, layer)) : []),
  ];
}

function headNorms(spec: ArchitectureSpec, layer: number): ExpectedTensor[] {
  const { heads, kvHeads, headDim, qkNorm } = spec;
  const [q, k] = headNormNames(spec, layer);
  const size = (count: number): number[] => [qkNorm === 'all' ? count * headDim : headDim];
  return [...q.map((name) => required(name, size(heads))), ...k.map((name) => required(name, size(kvHeads)))];
}
