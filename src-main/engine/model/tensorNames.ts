/** How the tensors of a base model are called in its files. No tensor is touched here. */
import { type ArchitectureSpec, familyRules, type TensorNames } from './architecture.ts';
import { HEAD_NAMES } from './multimodal.ts';

const namesOf = ({ family }: ArchitectureSpec): TensorNames => familyRules(family).names;

export function tokenEmbeddingName(spec: ArchitectureSpec): string {
  return spec.prefix + namesOf(spec).embedding;
}

export function positionEmbeddingName(spec: ArchitectureSpec): string {
  return `${spec.prefix}${namesOf(spec).positions}`;
}

/** The name of lm_head in the file, which may be there even where the head is tied. */
export function untiedHeadName(spec: ArchitectureSpec): string {
  return namesOf(spec).head;
}

/** Names under which files may hold the head; of a multimodal release there are two. */
export function headNamesInFiles(spec: ArchitectureSpec): string[] {
  return spec.multimodal ? HEAD_NAMES : [untiedHeadName(spec)];
}

export function headName(spec: ArchitectureSpec): string {
  return spec.tiedHead ? tokenEmbeddingName(spec) : untiedHeadName(spec);
}

/** The head of an adapter that classifies (train/classification.ts), (classes, C); it stands in for the model's own. */
export const SCORE = 'score.weight';

/** [before attention, before MLP], each [weight], [weight, bias], or [] where nothing is normed there. */
export function normNames(spec: ArchitectureSpec, layer: number): [string[], string[]] {
  const { beforeAttention, beforeMlp } = namesOf(spec);
  const own = (norm: string | undefined): string[] => (norm === undefined ? [] : blockNorm(spec, layer, norm));
  return [own(beforeAttention), own(beforeMlp)];
}

/** [after attention, after MLP], where the architecture has them. */
export function postNormNames(spec: ArchitectureSpec, layer: number): [string[], string[]] {
  const { afterAttention, afterMlp } = namesOf(spec);
  return [blockNorm(spec, layer, known(afterAttention)), blockNorm(spec, layer, known(afterMlp))];
}

/** [of the queries, of the keys], where the architecture has them. */
export function headNormNames(spec: ArchitectureSpec, layer: number): [string[], string[]] {
  const [q, k] = known(namesOf(spec).qkNorm);
  return [blockNorm(spec, layer, q), blockNorm(spec, layer, k)];
}

function known<T>(name: T | undefined): T {
  if (name === undefined) throw new Error('this family has no such norm');
  return name;
}

export function finalNormNames(spec: ArchitectureSpec): string[] {
  return normTensors(spec, spec.prefix + namesOf(spec).finalNorm);
}

function blockNorm(spec: ArchitectureSpec, layer: number, norm: string): string[] {
  return normTensors(spec, `${spec.prefix}${namesOf(spec).blocks}.${layer}.${norm}`);
}

function normTensors({ norm }: ArchitectureSpec, path: string): string[] {
  return norm === 'layer' ? [`${path}.weight`, `${path}.bias`] : [`${path}.weight`];
}
