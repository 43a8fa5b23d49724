/**
 * The tokenizer of a Hugging Face folder as the metadata of a GGUF file, under the keys and in the forms that llama.cpp
 * reads (src/llama-vocab.cpp) and its converter writes (gguf-py/gguf/vocab.py).
 */
import path from 'node:path';
import { GraftError } from '../../../src-shared/errors.ts';
import { architectureFromConfig, type ModelConfig } from '../../engine/model/architecture.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { readTokenizerFiles, type JsonObject } from '../../datasets/tokenizerFiles.ts';
import { bool, numbers, string, strings, type GgufMetadata, type GgufValue } from '../header.ts';
import { stripsLikePhi3 } from '../runtimeName.ts';
import { partsOf, preTokenizerOf } from './pre.ts';
import { mergePairs, mergeScores, spacesOf, unicodeNote } from './spm.ts';
import { specialTokenEntries } from './specialTokens.ts';
import { sourceTokenizer } from './sourceTokenizer.ts';
import { addedTokens, vocabularyOf, type Vocabulary } from './vocabulary.ts';

export interface GgufTokenizer {
  metadata: GgufMetadata;
  /** Where llama.cpp will treat a text in another way than the folder's own files, in sentences. */
  notes: string[];
}

export interface TokenizerOptions {
  /** Ids that end an answer beside those that the folder names: what the adapters were taught. */
  endIds?: readonly number[];
  /** In place of the folder's own. */
  chatTemplate?: string | undefined;
}

/** As ggufTokenizer, the metadata alone. */
export function tokenizerMetadata(modelDir: string, config: ModelConfig, options?: TokenizerOptions): GgufMetadata {
  return ggufTokenizer(modelDir, config, options).metadata;
}

/**
 * Throws GraftError TOKENIZER_MISSING or TOKENIZER_BROKEN as loadTokenizer, and GGUF_TOKENIZER for one that llama.cpp
 * cannot follow.
 */
export function ggufTokenizer(
  modelDir: string,
  config: ModelConfig,
  { endIds = [], chatTemplate }: TokenizerOptions = {},
): GgufTokenizer {
  const source = sourceTokenizer(modelDir, endIds);
  if (source) {
    if (chatTemplate !== undefined) source.metadata.set('tokenizer.chat_template', string(chatTemplate));
    return source;
  }
  const text = loadTokenizer(modelDir);
  const files = readTokenizerFiles(modelDir);
  const vocabulary = vocabularyOf(files.tokenizer, architectureFromConfig(config).vocab);
  const notes: string[] = [];
  const refuse = (problem: string): GraftError =>
    new GraftError(
      'GGUF_TOKENIZER',
      `${path.join(modelDir, 'tokenizer.json')} ${problem}, so that the file would read texts in another way than it ` +
        'was trained on; export a merged folder (hf) instead.',
      { dir: modelDir, problem },
    );
  const entriesOf = isByteLevel(files.tokenizer) ? byteLevelEntries : sentencePieceEntries;
  const metadata: GgufMetadata = new Map([
    ...entriesOf(files.tokenizer, vocabulary, notes, refuse),
    ...specialTokenEntries({ files, text, endIds, rows: vocabulary.tokens.length, notes }),
  ]);
  const template = chatTemplate ?? text.chatTemplate;
  if (template !== undefined) metadata.set('tokenizer.chat_template', string(template));
  notes.push(...vocabularyNotes(files.tokenizer, vocabulary, config));
  return { metadata, notes };
}

type Refuse = (problem: string) => GraftError;

function isByteLevel(tokenizer: JsonObject): boolean {
  const parts = [...partsOf(tokenizer['pre_tokenizer'], 'pretokenizers'), ...partsOf(tokenizer['decoder'], 'decoders')];
  return parts.some(({ type }) => type === 'ByteLevel');
}

function* byteLevelEntries(
  tokenizer: JsonObject,
  { tokens, types }: Vocabulary,
  notes: string[],
  refuse: Refuse,
): Generator<[string, GgufValue]> {
  assertBpe(tokenizer, refuse);
  for (const { type } of partsOf(tokenizer['normalizer'], 'normalizers')) {
    if (type !== 'NFC' && type !== 'NFKC')
      throw refuse(`changes texts by a ${String(type)}, which llama.cpp does not do`);
    notes.push(unicodeNote(type));
  }
  const pre = preTokenizerOf(tokenizer);
  if ('problem' in pre) throw refuse(pre.problem);
  if (pre.note !== undefined) notes.push(pre.note);
  yield ['tokenizer.ggml.model', string('gpt2')];
  yield ['tokenizer.ggml.pre', string(pre.name)];
  yield ['tokenizer.ggml.tokens', strings(tokens)];
  yield ['tokenizer.ggml.token_type', numbers('int32', types)];
  // A space within a piece would be taken for the one between the two.
  const merges = mergePairs(tokenizer).map((pair) => pair.map((piece) => piece.replaceAll(' ', 'Ġ')).join(' '));
  yield ['tokenizer.ggml.merges', strings(merges)];
}

function* sentencePieceEntries(
  tokenizer: JsonObject,
  { tokens, types }: Vocabulary,
  notes: string[],
  refuse: Refuse,
): Generator<[string, GgufValue]> {
  assertBpe(tokenizer, refuse);
  const { byte_fallback: byteFallback, vocab } = tokenizer['model'] as JsonObject;
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  // llama.cpp ends the whole process at a byte that has no token.
  if (byteFallback !== true || !bytes.every((text) => Object.hasOwn(vocab as object, text)))
    throw refuse('has no token for each byte of an unknown character');
  const spaces = spacesOf(tokenizer);
  if ('problem' in spaces) throw refuse(spaces.problem);
  notes.push(...spaces.notes);
  if ([...addedTokens(tokenizer).values()].some(({ special, content }) => !special && content.includes('▁')))
    notes.push('Runs of the character ▁ itself, which is rare in texts, get other tokens in llama.cpp.');
  yield ['tokenizer.ggml.model', string('llama')];
  yield ['tokenizer.ggml.pre', string('default')];
  yield ['tokenizer.ggml.tokens', strings(tokens)];
  yield ['tokenizer.ggml.scores', numbers('float32', mergeScores(tokenizer, tokens))];
  yield ['tokenizer.ggml.token_type', numbers('int32', types)];
  yield ['tokenizer.ggml.add_space_prefix', bool(spaces.prefix)];
}

function assertBpe(tokenizer: JsonObject, refuse: Refuse): void {
  const { type, vocab } = tokenizer['model'] as JsonObject;
  // Old files do not name the type.
  if ((type ?? 'BPE') !== 'BPE' || Array.isArray(vocab))
    throw refuse(`holds a ${String(type)} model, and only BPE can be written as GGUF`);
}

function vocabularyNotes(
  tokenizer: JsonObject,
  { outside, tokens, zeroBytes }: Vocabulary,
  { model_type: modelType }: ModelConfig,
): string[] {
  const isPhi3 = stripsLikePhi3(modelType, tokens);
  const stripping = [...addedTokens(tokenizer).values()].filter(
    ({ id, lstrip, rstrip }) => id < tokens.length && (lstrip || (rstrip && !isPhi3)),
  );
  const notes: string[] = [];
  if (outside.length > 0) notes.push(`Tokens without a row in the embedding are left out: ${listed(outside)}.`);
  if (zeroBytes) notes.push('llama.cpp reads a zero byte as a token of its own, where this tokenizer has longer ones.');
  if (stripping.length > 0)
    notes.push(
      'llama.cpp does not take the white space beside these control tokens along, where this tokenizer does: ' +
        `${listed(stripping.map(({ content }) => content))}.`,
    );
  return notes;
}

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, 5).join(', ');
  return texts.length > 5 ? `${shown} and ${texts.length - 5} more` : shown;
}
