/** The keys of a GGUF file below its architecture, as `llama.block_count`. */
import { GraftError } from '../../src-shared/errors.ts';
import type { GgufFile } from './read.ts';

/** Names are those below the architecture. Throw GGUF_HEADER where a value is of another kind, or needed and absent. */
export interface ArchitectureFields {
  number(key: string): number | undefined;
  needed(key: string): number;
  string(key: string): string | undefined;
  bool(key: string): boolean | undefined;
  /** Dimensions of a tensor, the length of a row first. */
  dims(tensor: string): readonly number[] | undefined;
}

/** `read` collects the keys that were asked for. */
export function architectureFields(
  { file, fields, tensors }: GgufFile,
  architecture: string,
  read: Set<string>,
): ArchitectureFields {
  const full = (key: string): string => {
    read.add(key);
    return `${architecture}.${key}`;
  };
  const number = (key: string): number | undefined => fields.number(full(key));
  return {
    number,
    needed: (key) => {
      const value = number(key);
      if (value !== undefined) return value;
      throw new GraftError('GGUF_HEADER', `${file} lacks ${architecture}.${key}; download or convert it again.`, {
        file,
        key: `${architecture}.${key}`,
      });
    },
    string: (key) => fields.string(full(key)),
    bool: (key) => fields.bool(full(key)),
    dims: (tensor) => tensors.get(tensor)?.dims,
  };
}
