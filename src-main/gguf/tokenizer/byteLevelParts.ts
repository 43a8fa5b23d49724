/** Byte-level BPE (GPT-2, Llama 3, Qwen): a text is split by a pattern, its bytes written as characters, and merged. */
import { counted } from '../../../src-shared/plural.ts';
import { shownValue } from '../../../src-shared/shownValue.ts';
import type { JsonObject } from '../../datasets/tokenizerFiles.ts';
import type { GgufFields } from '../metadata.ts';
import type { RefuseTokenizer, Token, TokenizerParts } from './parts.ts';
import { DIGITS, GPT2, PRE_TOKENIZERS, type PreTokenizer } from './pre.ts';
import { isFiller } from './sentencePieceParts.ts';

/** Other names of llama.cpp for the same splitting. */
const SAME_AS: Record<string, string> = {
  ...sameAs('gpt-2', ['phi-2', 'jina-es', 'jina-de', 'gigachat', 'a.x-4.0', 'mellum', 'modern-bert', 'mpt', 'olmo']),
  ...sameAs('gpt-2', ['jais', 'trillion', 'granite-docling', 'exaone4']),
  ...sameAs('smollm', ['starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2']),
  ...sameAs('llama-bpe', ['llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2', 'jina-v5-nano']),
  ...sameAs('dbrx', ['smaug-bpe', 'glm4', 'chatglm-bpe']),
  ...sameAs('qwen2', [
    'deepseek-r1-qwen',
    'kormo',
    'f2llmv2',
    'megrez',
    'stablelm2',
    'hunyuan',
    'solar-open',
    'grok-2',
  ]),
  ...sameAs('gpt-4o', ['llama4', 'kanana2', 'talkie', 'minimax-m2']),
};

/** The models behind these names bring texts to NFC first; llama.cpp leaves that to who calls it. */
const WITH_NFC = new Set(['qwen2', 'qwen35']);

function sameAs(name: string, others: string[]): Record<string, string> {
  return Object.fromEntries(others.map((other) => [other, name]));
}

export function byteLevelParts(fields: GgufFields, tokens: readonly Token[], refuse: RefuseTokenizer): TokenizerParts {
  const pre = fields.string('tokenizer.ggml.pre');
  if (pre === undefined)
    throw refuse('does not say how texts are split (tokenizer.ggml.pre), as files of before May 2024');
  const splitting = PRE_TOKENIZERS.find(({ name }) => name === (SAME_AS[pre] ?? pre));
  if (!splitting) throw refuse(`splits texts in the way ${shownValue(pre)}, which Graft does not know`);
  const vocab = new Map(tokens.filter(({ text, type }) => !isFiller(text, type)).map(({ text, id }) => [text, id]));
  const { merges, dropped } = mergesOf(fields, vocab, refuse);
  return {
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: splitting.ignoreMerges === true,
      vocab: Object.fromEntries(vocab),
      merges,
    },
    normalizer: WITH_NFC.has(pre) ? { type: 'NFC' } : null,
    preTokenizer: preTokenizerOf(splitting),
    decoder: byteLevel(true),
    notes: dropped > 0 ? [`${counted(dropped, 'merge')} of the tokenizer lead to no token, and are left out.`] : [],
  };
}

function mergesOf(
  fields: GgufFields,
  vocab: ReadonlyMap<string, number>,
  refuse: RefuseTokenizer,
): { merges: [string, string][]; dropped: number } {
  const listed = fields.strings('tokenizer.ggml.merges');
  if (!listed) throw refuse('has no list of merges');
  const pairs = listed.map((merge): [string, string] => {
    const space = merge.indexOf(' ', 1);
    if (space < 0) throw refuse(`has the merge ${shownValue(merge)}, which is no pair`);
    return [merge.slice(0, space), merge.slice(space + 1)];
  });
  const merges = pairs.filter(([left, right]) => [left, right, left + right].every((piece) => vocab.has(piece)));
  return { merges, dropped: pairs.length - merges.length };
}

function byteLevel(useRegex: boolean): JsonObject {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: useRegex };
}

/** As models' own files write it. */
function preTokenizerOf({ steps }: PreTokenizer): JsonObject {
  const last = steps.at(-1) === GPT2;
  const parts = steps
    .filter((step) => step !== GPT2)
    .map((step): JsonObject =>
      step === DIGITS
        ? { type: 'Digits', individual_digits: true }
        : { type: 'Split', pattern: { Regex: step }, behavior: 'Isolated', invert: false },
    );
  return parts.length === 0 ? byteLevel(true) : { type: 'Sequence', pretokenizers: [...parts, byteLevel(last)] };
}
