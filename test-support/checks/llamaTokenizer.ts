/** llama.cpp's own tokenizer over metadata that a test has: a GGUF file without tensors, loaded for its vocabulary. */
import fs from 'node:fs';
import path from 'node:path';
import { encodeHeader, float32, string, uint32, type GgufMetadata } from '../../src-main/gguf/header.ts';
import { openTokenizer, type LlamacppModel } from '../../src-main/llamacpp/runtime.ts';
import type { TextTokenizer } from '../../src-main/datasets/tokenizer.ts';
import { temporaryFolder } from '../fixtures/folders.ts';

/** The caller disposes of it. */
export function llamaTokenizer(metadata: GgufMetadata): Promise<LlamacppModel> {
  return openTokenizer(writeVocabulary(metadata));
}

/** A file that holds the metadata and no tensor. */
export function writeVocabulary(metadata: GgufMetadata): string {
  const architecture: GgufMetadata = new Map([
    ['general.architecture', string('llama')],
    ['llama.context_length', uint32(64)],
    ['llama.embedding_length', uint32(8)],
    ['llama.feed_forward_length', uint32(8)],
    ['llama.block_count', uint32(1)],
    ['llama.attention.head_count', uint32(1)],
    ['llama.attention.layer_norm_rms_epsilon', float32(1e-5)],
  ]);
  const file = path.join(temporaryFolder(), 'vocabulary.gguf');
  fs.writeFileSync(file, encodeHeader(new Map([...architecture, ...metadata]), []));
  return file;
}

/** The texts that llama.cpp reads as other ids than Graft, each with both. */
export function differences(
  texts: readonly string[],
  ours: TextTokenizer,
  theirs: LlamacppModel,
): { text: string; ours: string; theirs: string }[] {
  return texts.flatMap((text) => {
    const own = ours.encode(text, { addSpecialTokens: false }).join(' ');
    const other = theirs.tokenize(text, true).join(' ');
    return own === other ? [] : [{ text, ours: own, theirs: other }];
  });
}
