/** Ids of the special tokens under llama.cpp's keys: the roles, the ends of an answer, what is put around a text. */
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import type { TokenizerFiles } from '../../datasets/tokenizerFiles.ts';
import { bool, uint32, type GgufValue } from '../header.ts';
import { addedTokens } from './vocabulary.ts';

/** Texts that llama.cpp takes for the end of a generation, whatever the file says (src/llama-vocab.cpp). */
export const KNOWN_ENDS = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<eos>',
  '<｜end▁of▁sentence｜>',
]);

interface Special {
  files: TokenizerFiles;
  text: TextTokenizer;
  /** What the adapters were taught to end an answer with. */
  endIds: readonly number[];
  /** Tokens that the file has. */
  rows: number;
  /** Gets a sentence for each thing that a file cannot say. */
  notes: string[];
}

export function specialTokenEntries(special: Special): [string, GgufValue][] {
  const { files, text, rows } = special;
  const { main, others } = endsOf(special);
  const [eot, eom] = others;
  const namesPad = files.special('pad_token') !== undefined || files.configuredIds('pad_token_id').length > 0;
  const roles: [string, number | undefined][] = [
    ['bos', text.bosId],
    ['eos', main],
    ['eot', eot],
    ['eom', eom],
    ['unknown', unknownId(files)],
    ['padding', namesPad ? text.padId : undefined],
  ];
  const known = roles.flatMap(([role, id]): [string, GgufValue][] =>
    id !== undefined && id < rows ? [[`tokenizer.ggml.${role}_token_id`, uint32(id)]] : [],
  );
  return [...known, ...frameEntries(special, main)];
}

/** The EOS, and every other id that ends an answer, what was taught first: the runtime reads two more of the file. */
function endsOf({ text, endIds, rows, notes }: Special): { main: number | undefined; others: number[] } {
  const main = text.eosId ?? text.eosIds[0];
  const others = [...new Set([...endIds, ...text.eosIds])].filter((id) => id !== main && id < rows);
  const unnamed = others
    .slice(2)
    .map((id) => text.decode([id], { skipSpecialTokens: false }))
    .filter((one) => !KNOWN_ENDS.has(one));
  if (unnamed.length > 0)
    notes.push(`A GGUF file names three tokens that end an answer; it does not name ${unnamed.join(', ')}.`);
  return { main, others };
}

function frameEntries({ text, notes }: Special, eosId: number | undefined): [string, GgufValue][] {
  const before = text.encodePrompt('');
  const after = text.encode('').slice(before.length);
  const isAlone = (ids: number[], id: number | undefined): boolean => ids.length === 1 && ids[0] === id;
  const bos = isAlone(before, text.bosId);
  const eos = isAlone(after, eosId);
  const odd = [...(bos ? [] : before), ...(eos ? [] : after)];
  if (odd.length > 0) {
    const shown = text.decode(odd, { skipSpecialTokens: false });
    notes.push(`This tokenizer puts ${shown} around a text, which a GGUF file cannot say.`);
  }
  return [
    ['tokenizer.ggml.add_bos_token', bool(bos)],
    ['tokenizer.ggml.add_eos_token', bool(eos)],
  ];
}

function unknownId({ tokenizer, special }: TokenizerFiles): number | undefined {
  const { unk_token: unk, vocab } = tokenizer['model'] as { unk_token?: unknown; vocab: Record<string, number> };
  const name = typeof unk === 'string' ? unk : special('unk_token');
  if (name === undefined) return undefined;
  return vocab[name] ?? [...addedTokens(tokenizer).values()].find(({ content }) => content === name)?.id;
}
