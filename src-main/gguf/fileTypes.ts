/** How a GGUF file is quantised, in the words of llama.cpp (`enum llama_ftype`). */
import type { GgufFile } from './read.ts';

const NAMES: Record<number, string> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  7: 'Q8_0',
  8: 'Q5_0',
  9: 'Q5_1',
  14: 'Q4_K_S',
  15: 'Q4_K_M',
  16: 'Q5_K_S',
  17: 'Q5_K_M',
  18: 'Q6_K',
  32: 'BF16',
};

/** As the file calls itself, else the type that holds most bytes. */
export function quantisationName({ fields, tensors }: GgufFile): string {
  const named = NAMES[fields.number('general.file_type') ?? -1];
  if (named !== undefined) return named;
  const bytes = new Map<string, number>();
  for (const { type, byteLength } of tensors.values()) bytes.set(type, (bytes.get(type) ?? 0) + byteLength);
  return [...bytes].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'F32';
}
