/**
 * Trains a byte-level BPE tokenizer (Sennrich et al. 2016, on GPT-2's byte alphabet) and describes it as the
 * tokenizer.json of Hugging Face's libraries. It can write any text; BOS goes in front of every text.
 */

/** Ids 0, 1, 2. */
export const SPECIAL_TOKENS = { bos: '<s>', eos: '</s>', pad: '<pad>' } as const;

/** GPT-2's pre-tokenisation, which `ByteLevel` with `use_regex` repeats at run time. */
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** GPT-2's byte alphabet: printable Latin-1 bytes stand for themselves, the others for code points from 256 on. */
function byteAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
}

export type Merge = [left: string, right: string];

interface Word {
  symbols: string[];
  count: number;
}

/**
 * At most `count` merges, learnt one after the other: always the most frequent pair within words, of equals the first
 * in code-unit order. Ends early when no pair occurs twice.
 */
export function trainMerges(texts: Iterable<string>, count: number): Merge[] {
  const words = countWords(texts);
  const merges: Merge[] = [];
  while (merges.length < count) {
    const best = mostFrequentPair(words);
    if (!best) break;
    merges.push(best);
    for (const word of words) word.symbols = applyMerge(word.symbols, best);
  }
  return merges;
}

function countWords(texts: Iterable<string>): Word[] {
  const alphabet = byteAlphabet();
  const counts = new Map<string, number>();
  for (const text of texts) for (const [word] of text.matchAll(WORDS)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => ({
    symbols: [...Buffer.from(word)].map((byte) => alphabet[byte]!),
    count,
  }));
}

function mostFrequentPair(words: Word[]): Merge | undefined {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let i = 0; i + 1 < symbols.length; i++) {
      const pair = `${symbols[i]} ${symbols[i + 1]}`; // the alphabet holds no space
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let most = 1;
  for (const [pair, count] of counts) {
    if (count > most || (count === most && best !== undefined && pair < best)) [best, most] = [pair, count];
  }
  return best?.split(' ') as Merge | undefined;
}

function applyMerge(symbols: string[], [left, right]: Merge): string[] {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      merged.push(left + right);
      i++;
    } else merged.push(symbols[i]!);
  }
  return merged;
}

/**
 * Ids: the special tokens, the 256 bytes, then one id per merge. Two merges can spell the same token; it keeps its
 * first id.
 */
export function vocabularyOf(merges: readonly Merge[]): Map<string, number> {
  const vocabulary = new Map<string, number>();
  for (const token of [...Object.values(SPECIAL_TOKENS), ...byteAlphabet(), ...merges.map((pair) => pair.join(''))]) {
    if (!vocabulary.has(token)) vocabulary.set(token, vocabulary.size);
  }
  return vocabulary;
}

/** The content of tokenizer.json. */
export function tokenizerJson(merges: readonly Merge[]): object {
  const { bos } = SPECIAL_TOKENS;
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const special = (type_id: number) => ({ SpecialToken: { id: bos, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: Object.values(SPECIAL_TOKENS).map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [special(0), sequence('A', 0)],
      pair: [special(0), sequence('A', 0), special(1), sequence('B', 1)],
      special_tokens: { [bos]: { id: bos, ids: [0], tokens: [bos] } },
    },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabularyOf(merges)),
      merges: merges.map((pair) => pair.join(' ')),
    },
  };
}
