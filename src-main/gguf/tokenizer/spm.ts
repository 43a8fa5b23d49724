/**
 * Tokenizers in SentencePiece's form (Llama 2, Mistral, Gemma, Phi-3): spaces written as ▁, unknown characters as
 * bytes. llama.cpp merges by the score of the piece that comes out, tokenizer.json by the rank of the pair: the first
 * rank of a piece gives its score.
 */
import { isObject, type JsonObject } from '../../datasets/tokenizerFiles.ts';
import { partsOf } from './pre.ts';

/** No text may end in such a piece by merging, as far as any other merge is left. */
const NEVER = -1e9;

/** Score of each token: -(1 + rank of the first merge that makes it). */
export function mergeScores(tokenizer: JsonObject, tokens: readonly string[]): Float32Array {
  const ranks = new Map<string, number>();
  for (const [rank, [left, right]] of mergePairs(tokenizer).entries()) {
    const piece = left + right;
    if (!ranks.has(piece)) ranks.set(piece, rank);
  }
  return Float32Array.from(tokens, (text) => {
    const rank = ranks.get(text);
    return rank === undefined ? NEVER : -(rank + 1);
  });
}

/** As pairs, whichever of the two ways of writing them the file has. */
export function mergePairs(tokenizer: JsonObject): [string, string][] {
  const { merges } = tokenizer['model'] as { merges: (string | [string, string])[] };
  return merges.map((merge) => {
    if (typeof merge !== 'string') return merge;
    const at = merge.indexOf(' ', 1);
    return [merge.slice(0, at), merge.slice(at + 1)];
  });
}

/** What becomes of spaces, or what llama.cpp cannot do, as in "it <problem>". */
export function spacesOf(tokenizer: JsonObject): { prefix: boolean; notes: string[] } | { problem: string } {
  const found = { escaped: false, prefix: false };
  const notes: string[] = [];
  for (const part of partsOf(tokenizer['normalizer'], 'normalizers')) {
    const { type, prepend, pattern, content } = part;
    const isSpace = isObject(pattern) && pattern['String'] === ' ';
    if (type === 'Prepend' && prepend === '▁') found.prefix = true;
    else if (type === 'Replace' && isSpace && content === '▁') found.escaped = true;
    else if (type === 'NFC' || type === 'NFKC') notes.push(unicodeNote(type));
    else return { problem: `changes texts by a ${String(type)}, which llama.cpp does not do` };
  }
  for (const part of partsOf(tokenizer['pre_tokenizer'], 'pretokenizers')) {
    const { type, replacement = '▁', add_prefix_space: always, prepend_scheme: scheme, split, pattern } = part;
    if (type === 'Metaspace' && replacement === '▁') {
      found.escaped = true;
      const prefix = scheme === undefined ? always !== false : scheme !== 'never';
      found.prefix ||= prefix;
      if (prefix)
        notes.push(
          'llama.cpp puts a space before a text that begins with one' +
            `${scheme === 'first' ? ', or that follows a control token' : ''}, where this tokenizer puts none.`,
        );
      if (split !== false) notes.push('llama.cpp may join pieces across a space, which this tokenizer does not.');
      continue;
    }
    // Splitting at spaces that are written as ▁ by now does nothing; Gemma's files have it.
    const isIdle = type === 'Split' && found.escaped && isObject(pattern) && pattern['String'] === ' ';
    if (!isIdle) return { problem: `splits texts by a ${String(type)}, which llama.cpp does not do for such a model` };
  }
  if (!found.escaped) return { problem: 'keeps spaces as they are, where llama.cpp writes them as ▁' };
  return { prefix: found.prefix, notes };
}

export function unicodeNote(form: string): string {
  return (
    `This tokenizer brings texts to Unicode's ${form} first and llama.cpp does not, so that texts in another form ` +
    'get other tokens.'
  );
}
