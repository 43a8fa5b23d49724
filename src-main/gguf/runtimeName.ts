/**
 * `general.name` as llama.cpp reads it (src/llama-vocab.cpp): a name with phi-3 or phi3 in it makes every control token
 * take the white space after it along, as Phi-3's own do, and a vocabulary without Phi-3's tokens is then not loaded.
 */
const MEANT = /phi(-?)3/gi;

/** Those that llama.cpp looks for then, and what tells Phi-3. */
const TOKENS = ['<unk>', '<s>', '</s>', '<|endoftext|>', '<|end|>', '<|assistant|>'];

/** Whether llama.cpp has to be told so: Phi-3 with its own tokenizer, which Phi-4 of the same family has not. */
export function stripsLikePhi3(modelType: unknown, tokens: readonly string[]): boolean {
  return modelType === 'phi3' && TOKENS.every((text) => tokens.includes(text));
}

/** tokens: of the file. */
export function runtimeName(name: string, modelType: unknown, tokens: readonly string[]): string {
  if (!stripsLikePhi3(modelType, tokens)) return name.replace(MEANT, (found) => `${found.slice(0, 3)} 3`);
  return name.search(MEANT) >= 0 ? name : `${name} (Phi-3)`;
}
