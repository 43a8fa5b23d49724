/**
 * SentencePiece's BPE (Llama 2, Mistral, Gemma, Phi-3): spaces written as ▁, unknown characters as bytes. llama.cpp
 * joins two neighbours whose text is a token, the one of the highest score first; as merges those are all ways to cut a
 * token in two, ordered by its score.
 */
import type { GgufFields } from '../metadata.ts';
import type { Token, TokenizerParts } from './parts.ts';
import type { SpecialTokens } from './fileSpecialTokens.ts';
import { TOKEN_TYPES } from './vocabulary.ts';

const REPLACE_SPACES = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };

export function sentencePieceParts(
  fields: GgufFields,
  tokens: readonly Token[],
  { unk }: SpecialTokens,
): TokenizerParts {
  const prefix = fields.bool('tokenizer.ggml.add_space_prefix') ?? true;
  const used = tokens.filter(({ text, type }) => !isFiller(text, type));
  return {
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unk?.text ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(used.map(({ text, id }) => [text, id])),
      merges: mergesByScore(used),
    },
    normalizer: {
      type: 'Sequence',
      normalizers: [...(prefix ? [{ type: 'Prepend', prepend: '▁' }] : []), REPLACE_SPACES],
    },
    preTokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    notes: [],
  };
}

/** What converters call the rows of an embedding that have no token. */
export function isFiller(text: string, type: number): boolean {
  return type === TOKEN_TYPES.unused && /^\[PAD\d+_?\]$/.test(text);
}

/** No merge makes a control token: text that looks like one stays text. */
function mergesByScore(tokens: readonly Token[]): [string, string][] {
  const isText = ({ type }: Token): boolean => type === TOKEN_TYPES.normal || type === TOKEN_TYPES.userDefined;
  const texts = tokens.filter(isText);
  const ids = new Map(texts.map(({ text, id }) => [text, id]));
  const merges: { pair: [string, string]; score: number; order: number }[] = [];
  for (const { text, score } of texts)
    for (let at = nextCharacter(text, 0); at < text.length; at = nextCharacter(text, at)) {
      const [left, right] = [text.slice(0, at), text.slice(at)];
      const order = ids.get(left);
      if (order !== undefined && ids.has(right)) merges.push({ pair: [left, right], score, order });
    }
  return merges.sort((a, b) => b.score - a.score || a.order - b.order).map(({ pair }) => pair);
}

/** Where the character after the one at `at` begins; one outside the BMP takes two places. */
function nextCharacter(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}
