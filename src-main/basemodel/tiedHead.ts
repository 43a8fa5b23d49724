/** A head in the file of a model whose head is its embedding: a copy, or a contradiction. */
import { GraftError } from '../../src-shared/errors.ts';
import { isFloatDtype } from '../safetensors/dtype.ts';
import { readRowsF32, rowsOf, type TensorInfo } from '../safetensors/read.ts';

const PIECE_ELEMENTS = 1 << 20;

/**
 * transformers 4 drops such a head, transformers 5 uses it, so a head of other values means two different models.
 * Throws CHECKPOINT_TIED_HEAD.
 */
export function refuseOtherHead(head: TensorInfo, embedding: TensorInfo): void {
  if (head.shape.join() === embedding.shape.join() && isFloatDtype(head.dtype) && isSame(head, embedding)) return;
  throw new GraftError(
    'CHECKPOINT_TIED_HEAD',
    `${head.file}: ${head.name} differs from ${embedding.name}, but config.json ties the two (tie_word_embeddings), ` +
      'and programs do not agree on which of them counts; set tie_word_embeddings to false in config.json to use the ' +
      'head of the file, or remove the head from it.',
    { file: head.file, tensor: head.name, embedding: embedding.name },
  );
}

function isSame(head: TensorInfo, embedding: TensorInfo): boolean {
  const { rows, width } = rowsOf(head);
  const count = Math.max(1, Math.floor(PIECE_ELEMENTS / Math.max(1, width)));
  for (let row = 0; row < rows; row += count) {
    const some = Math.min(count, rows - row);
    const [a, b] = [readRowsF32(head, row, some), readRowsF32(embedding, row, some)];
    if (a.some((value, i) => value !== b[i] && !(Number.isNaN(value) && Number.isNaN(b[i])))) return false;
  }
  return true;
}
