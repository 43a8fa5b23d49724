/**
 * How a byte-level tokenizer splits a text before it merges, by the name that llama.cpp has for it
 * (`tokenizer.ggml.pre`). llama.cpp's converter tells it from a hash of some ids, which knows published vocabularies
 * only; here it is told from the splitting itself, which is what the name stands for. pre.test.ts proves every row.
 */
import { isObject, type JsonObject } from '../../datasets/tokenizerFiles.ts';

/** GPT-2's own pattern, which ByteLevel applies where it is not told otherwise. */
export const GPT2 = 'gpt-2 pattern';
export const DIGITS = '\\p{N}';

/** Patterns as the models' tokenizer.json spell them. */
const CL100K =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" +
  '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const QWEN2 = CL100K.replace('\\p{N}{1,3}', '\\p{N}');
const QWEN35 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" +
  '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const SEED_CODER = QWEN2.replace('\\p{N}|', '\\p{N}{1}|').replace(
  '[^\\s\\p{L}\\p{N}]+[\\r\\n]*',
  '[^\\s\\p{L}\\p{N}\\r\\n]+',
);
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
const O200K =
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${CONTRACTIONS}|` +
  '\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const TEKKEN = O200K.replaceAll(CONTRACTIONS, '').replace('\\p{N}{1,3}', '\\p{N}');
const DEEPSEEK_V3 = [
  '\\p{N}{1,3}',
  '[一-龥\u3040-ゟ゠-ヿ]+',
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|' +
    ' ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
];

export interface PreTokenizer {
  /** llama.cpp's name. */
  name: string;
  /** Patterns, each applied to what the one before has left; a match is a piece of its own. */
  steps: readonly string[];
  /** Set where the name also says whether a word that stands in the vocabulary is taken whole, merges or not. */
  ignoreMerges?: boolean;
  /** What llama.cpp's own pattern does otherwise, a sentence. */
  note?: string;
}

const NO_MARKS =
  'llama.cpp splits words at combining marks, where this tokenizer does not, so that texts in Hindi, Bengali, Tamil, ' +
  'Thai, Khmer and other scripts with such marks get other tokens.';

export const PRE_TOKENIZERS: readonly PreTokenizer[] = [
  { name: 'gpt-2', steps: [GPT2] },
  { name: 'smollm', steps: [DIGITS, GPT2] },
  { name: 'llama-bpe', steps: [CL100K], ignoreMerges: true },
  { name: 'dbrx', steps: [CL100K], ignoreMerges: false },
  { name: 'qwen2', steps: [QWEN2] },
  { name: 'qwen35', steps: [QWEN35] },
  { name: 'seed-coder', steps: [SEED_CODER] },
  { name: 'gpt-4o', steps: [O200K], note: NO_MARKS },
  { name: 'tekken', steps: [TEKKEN], ignoreMerges: true, note: NO_MARKS },
  { name: 'deepseek-v3', steps: DEEPSEEK_V3 },
];

/** How llama.cpp splits as a byte-level tokenizer.json does, or why it cannot, as in "it <problem>". */
export function preTokenizerOf(tokenizer: JsonObject): PreTokenizer | { problem: string } {
  const steps: string[] = [];
  for (const part of partsOf(tokenizer['pre_tokenizer'], 'pretokenizers')) {
    const step = stepOf(part);
    if (typeof step !== 'string') return step;
    if (step !== '') steps.push(step);
  }
  const model = tokenizer['model'] as JsonObject;
  const ignoreMerges = model['ignore_merges'] === true;
  const found = PRE_TOKENIZERS.find(
    (one) =>
      one.steps.length === steps.length &&
      one.steps.every((step, i) => step === steps[i]) &&
      (one.ignoreMerges === undefined || one.ignoreMerges === ignoreMerges),
  );
  if (found) return found;
  const shown = steps.length === 0 ? 'not at all' : `by ${steps.map((step) => JSON.stringify(step)).join(', then ')}`;
  return { problem: `splits texts ${shown}, for which llama.cpp has no name that Graft knows` };
}

/** One part, or the members of a Sequence. */
export function partsOf(part: unknown, members: string): JsonObject[] {
  if (!isObject(part)) return [];
  const inner = part[members];
  return Array.isArray(inner) ? inner.flatMap((one) => partsOf(one, members)) : [part];
}

/** The pattern of a part; empty where it splits nothing. */
function stepOf(part: JsonObject): string | { problem: string } {
  const type = String(part['type']);
  if (type === 'ByteLevel') {
    if (part['add_prefix_space'] === true)
      return { problem: 'puts a space before every text, which llama.cpp does for no byte-level tokenizer' };
    return part['use_regex'] === false ? '' : GPT2;
  }
  if (type === 'Digits' && part['individual_digits'] === true) return DIGITS;
  if (type === 'Split' && isIsolated(part)) {
    const { Regex: regex } = part['pattern'] as JsonObject;
    if (typeof regex === 'string') return regex;
  }
  return { problem: `splits texts by a ${type} of a kind that llama.cpp does not have` };
}

/** What is kept are the matches; `Removed` with `invert` says the same of a pattern that covers every text. */
function isIsolated({ behavior, invert, pattern }: JsonObject): boolean {
  if (!isObject(pattern)) return false;
  return invert === true ? behavior === 'Removed' : behavior === 'Isolated';
}
