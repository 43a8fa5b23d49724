/**
 * Whole tensors of the base that an adapter has in a form of its own: an embedding, a head, norms. The engine puts them
 * in place of the base's; merging writes them.
 */
import { headName, tokenEmbeddingName, untiedHeadName } from '../engine/model/tensorNames.ts';
import type { EditRows } from '../safetensors/editedRows.ts';
import { readTensorF32, type TensorInfo } from '../safetensors/read.ts';
import type { Base, Replaced, ReplacedTensors } from './content.ts';
import type { NamedTensor } from './files.ts';

/** The values in use, read from the base while it is open. */
export function replacedValues({ source, edit }: Replaced): NamedTensor {
  const data = readTensorF32(source);
  edit(data, 0);
  return { shape: source.shape, data };
}

/** Rows that are the adapter's, whatever the base has. */
export function wholeEdit({ shape, data }: NamedTensor): EditRows {
  const width = shape.slice(1).reduce((product, n) => product * n, 1);
  return (rows, startRow) => rows.set(data.subarray(startRow * width, startRow * width + rows.length));
}

/** `ids[i]`: which row of the tensor row i of `data` stands in for. */
export function rowsEdit(ids: readonly number[], { shape, data }: NamedTensor): EditRows {
  const width = shape[1]!;
  return (rows, startRow) =>
    ids.forEach((id, i) => {
      const at = (id - startRow) * width;
      if (at >= 0 && at < rows.length) rows.set(data.subarray(i * width, (i + 1) * width), at);
    });
}

/** The first that is there, then the second. */
export function bothEdits(first: EditRows | undefined, second: EditRows): EditRows {
  if (!first) return second;
  return (rows, startRow) => {
    first(rows, startRow);
    second(rows, startRow);
  };
}

const AS_IT_IS: EditRows = () => undefined;

/** Where embedding and head are one tensor in the base: the head stays as it is there, or becomes what `edit` says. */
export function withHeadOfBase(
  replaced: ReplacedTensors,
  { spec, tensors }: Base,
  edit: EditRows = AS_IT_IS,
): ReplacedTensors {
  const source = tensors.get(tokenEmbeddingName(spec))!;
  return new Map([...replaced, [untiedHeadName(spec), { source, edit }]]);
}

/** Whether the head becomes a tensor of its own. */
export function untiesHead(replaced: ReplacedTensors, { spec }: Pick<Base, 'spec'>): boolean {
  return spec.tiedHead && replaced.has(untiedHeadName(spec));
}

/** The tensor of the base that stands for this one; a tied head is the embedding. */
export function sourceOf(name: string, { spec, tensors }: Base): TensorInfo | undefined {
  return tensors.get(name === untiedHeadName(spec) ? headName(spec) : name);
}
