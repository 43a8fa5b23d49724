/** Multiplications and additions that a case asks for, counted from the shapes of its model. */
import { linearModules, type ArchitectureSpec } from '../../src-main/engine/model/architecture.ts';

/** A model's numbers as far as its products depend on them. */
interface Sizes {
  /** Weights of all linear layers without the head. */
  linear: number;
  /** Of the vocabulary projection. */
  head: number;
  /** Of all layers: heads times their width. */
  attended: number;
}

function sizesOf(spec: ArchitectureSpec): Sizes {
  const own = linearModules(spec).filter(({ slice }) => !slice); // a part of a fused matrix is counted with that
  return {
    linear: own.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0),
    head: spec.vocab * spec.hidden,
    attended: spec.layers * spec.heads * spec.headDim,
  };
}

/** Forward pass over rows of these lengths, `predicted` of whose tokens reach the vocabulary projection. */
function forward({ linear, head, attended }: Sizes, lengths: readonly number[], predicted: number): number[] {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  // two products over half of the square each: QK^T and PV see what came before only
  const attention = lengths.reduce((sum, length) => sum + 2 * length ** 2 * attended, 0);
  return [2 * tokens * linear, 2 * predicted * head, attention];
}

/**
 * One training step. With LoRA the frozen weights have no gradient of their own: each costs two products, forth and
 * back; each of the `trainable` ones costs three. All weights trained: three for each.
 */
export function trainingFlops(
  spec: ArchitectureSpec,
  method: 'lora' | 'full',
  { lengths, predicted, trainable }: { lengths: readonly number[]; predicted: number; trainable: number },
): number {
  const [linear = 0, head = 0, attention = 0] = forward(sizesOf(spec), lengths, predicted);
  if (method === 'full') return 3 * (linear + head + attention);
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return 2 * (linear + head) + 3 * attention + 3 * 2 * tokens * trainable;
}

/** `rows` answers of `count` tokens to prompts of `prompt` tokens, with a cache; `adapter` values per row. */
export function decodingFlops(
  spec: ArchitectureSpec,
  { rows, prompt, count, adapter }: { rows: number; prompt: number; count: number; adapter: number },
): number {
  const read = prompt + count - 1; // the last token is not read again
  const [linear = 0, head = 0, attention = 0] = forward(sizesOf(spec), [read], count);
  return rows * (linear + head + attention + 2 * read * adapter);
}
