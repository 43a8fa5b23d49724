/** The roles of tokens in a GGUF file, with what llama.cpp takes for them where the file says nothing. */
import type { GgufFields } from '../metadata.ts';
import type { Token } from './parts.ts';
import { KNOWN_ENDS } from './specialTokens.ts';

export interface SpecialTokens {
  bos: Token | undefined;
  eos: Token | undefined;
  unk: Token | undefined;
  pad: Token | undefined;
  /** Whether they frame every text. */
  addBos: boolean;
  addEos: boolean;
  /** Every id that ends a generation. */
  ends: ReadonlySet<number>;
  isPhi3Mark(id: number): boolean;
}

/** Splittings whose models begin every text with BOS, by `tokenizer.ggml.pre`. */
const PRE_WITH_BOS = new Set([
  ...['llama3', 'llama-v3', 'llama-bpe', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2', 'jina-v5-nano'],
  ...['tekken', 'chameleon'],
]);

const USUAL_IDS: Record<string, { bos?: number; eos?: number; unknown?: number }> = {
  llama: { bos: 1, eos: 2, unknown: 0 },
  gpt2: { bos: 11, eos: 11 },
};

export function specialTokens(fields: GgufFields, kind: string | undefined, tokens: readonly Token[]): SpecialTokens {
  const usual = USUAL_IDS[kind ?? ''] ?? {};
  const idOf = (role: string): number | undefined => fields.number(`tokenizer.ggml.${role}_token_id`);
  const find = (role: 'bos' | 'eos' | 'unknown'): Token | undefined =>
    tokens[idOf(role) ?? -1] ?? tokens[usual[role] ?? -1];
  const [bos, eos, unk] = [find('bos'), find('eos'), find('unknown')];
  const pre = fields.string('tokenizer.ggml.pre') ?? '';
  const named = ['eot', 'eom'].flatMap((role) => tokens[idOf(role) ?? -1] ?? []);
  const known = tokens.filter(({ text }) => KNOWN_ENDS.has(text));
  const ends = new Set([...(eos ? [eos] : []), ...named, ...known].map(({ id }) => id));
  const plain = new Set(['<unk>', '<s>', '<|endoftext|>']);
  return {
    bos,
    eos,
    unk,
    pad: tokens[idOf('padding') ?? -1],
    addBos: fields.bool('tokenizer.ggml.add_bos_token') ?? (kind === 'llama' || PRE_WITH_BOS.has(pre)),
    addEos: fields.bool('tokenizer.ggml.add_eos_token') ?? false,
    ends,
    isPhi3Mark: (id) => !plain.has(tokens[id]?.text ?? '<unk>'),
  };
}
