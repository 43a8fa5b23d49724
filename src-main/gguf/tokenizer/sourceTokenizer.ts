/** The tokenizer of a base model that is a GGUF file: its own metadata, key by key as it stands there. */
import { uint32, type GgufMetadata } from '../header.ts';
import { ggufPointer } from '../pointer.ts';
import { openGguf } from '../read.ts';
import { tokenizerFromGguf } from './fromGguf.ts';

/**
 * Undefined for a folder that stands for no GGUF file. endIds: ids that end an answer beside those that the file names;
 * they become its end of turn and of message where it has none. Throws as openGguf and tokenizerFromGguf.
 */
export function sourceTokenizer(
  modelDir: string,
  endIds: readonly number[],
): { metadata: GgufMetadata; notes: string[] } | undefined {
  const pointer = ggufPointer(modelDir);
  if (!pointer) return undefined;
  const gguf = openGguf(pointer.file);
  try {
    const { fields } = gguf;
    const keys = fields.keys().filter((key) => key.startsWith('tokenizer.'));
    const metadata: GgufMetadata = new Map(keys.map((key) => [key, fields.value(key)!]));
    const { special } = tokenizerFromGguf(pointer.file, fields);
    const free = ['eot', 'eom'].map((role) => `tokenizer.ggml.${role}_token_id`).filter((key) => !metadata.has(key));
    const taught = endIds.filter((id) => !special.ends.has(id));
    for (const [i, id] of taught.slice(0, free.length).entries()) metadata.set(free[i]!, uint32(id));
    const unnamed = taught.slice(free.length);
    return { metadata, notes: unnamed.length > 0 ? [tooManyEnds(unnamed)] : [] };
  } finally {
    gguf.close();
  }
}

function tooManyEnds(ids: number[]): string {
  return `A GGUF file names three tokens that end an answer; it does not name those with the ids ${ids.join(', ')}.`;
}
