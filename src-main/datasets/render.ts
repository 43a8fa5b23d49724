/**
 * Examples as token ids with labels.
 *
 * A model that generates sees the ids of the prompt alone, so an example must begin with exactly those:
 * ids = encode(prompt) + continuation, where the continuation is what encode(prompt + completion) adds when it begins
 * with encode(prompt). Where a token would reach over the boundary ("hello wor" + "ld"), the completion is encoded on
 * its own, and so that no space creeps in that SentencePiece puts before every text.
 */
import { chatSegments } from './chat.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { IGNORED } from './types.ts';
import type { Example, LossOn, Segment } from '../../src-shared/datasets.ts';

export interface RenderOptions {
  lossOn: LossOn;
  /** Tokens per example; what is longer loses its end. */
  maxLength: number;
}

export interface RenderedExample {
  ids: Int32Array;
  labels: Int32Array;
  /** Positions with a label after truncation. */
  labelled: number;
  /** Tokens before the first label, whole length if there is none; both before truncation. */
  promptTokens: number;
  fullLength: number;
  truncated: boolean;
}

/** Ids and labels of an example, or the reason why the model's chat template cannot write it. */
export function renderExample(
  example: Example,
  tokenizer: TextTokenizer,
  options: RenderOptions,
): RenderedExample | { reason: string } {
  if (example.segments) {
    const row = tokenise(example.segments, tokenizer, tokenizer.encodePrompt);
    // EOS teaches where an answer ends.
    if (tokenizer.eosId !== undefined) {
      row.ids.push(tokenizer.eosId);
      row.loss.push(true);
    }
    return finish(row, options);
  }
  const chat = chatSegments(tokenizer, example.messages);
  if ('reason' in chat) return chat;
  // A chat template writes its special tokens itself.
  const encode = tokenizer.chatTemplate === undefined ? tokenizer.encodePrompt : plainEncoder(tokenizer);
  return finish(tokenise(chat.segments, tokenizer, encode), options);
}

interface TokenRow {
  ids: number[];
  loss: boolean[];
}

type Encode = (text: string) => number[];

function tokenise(segments: readonly Segment[], tokenizer: TextTokenizer, encode: Encode): TokenRow {
  const row: TokenRow = { ids: [], loss: [] };
  let text = '';
  for (const segment of segments) {
    const added = text === '' ? encode(segment.text) : continuation(tokenizer, encode, row.ids, text, segment.text);
    row.ids.push(...added);
    row.loss.push(...added.map(() => segment.loss));
    text += segment.text;
  }
  return row;
}

/** Texts that tokens seldom reach over; before them SentencePiece puts its space instead of before the completion. */
const ANCHORS = ['\n', '.', '1', 'a'];

/** Ids of `addition` where it follows `text`, whose ids are `before`. */
function continuation(
  tokenizer: TextTokenizer,
  encode: Encode,
  before: readonly number[],
  text: string,
  addition: string,
): number[] {
  const joint = encode(text + addition);
  if (startsWith(joint, before)) return joint.slice(before.length);
  const plain = plainEncoder(tokenizer);
  const candidates = [
    () => plain(addition),
    ...ANCHORS.map((anchor) => () => {
      const head = plain(anchor);
      const whole = plain(anchor + addition);
      return startsWith(whole, head) ? whole.slice(head.length) : plain(addition);
    }),
  ];
  const read = (ids: readonly number[]): string => tokenizer.decode(ids, { skipSpecialTokens: false });
  const wanted = read(joint);
  for (const candidate of candidates) {
    const ids = candidate();
    if (read([...before, ...ids]) === wanted) return ids;
  }
  return plain(addition);
}

function plainEncoder(tokenizer: TextTokenizer): Encode {
  return (text) => tokenizer.encode(text, { addSpecialTokens: false });
}

function startsWith(ids: readonly number[], prefix: readonly number[]): boolean {
  return ids.length >= prefix.length && prefix.every((id, i) => ids[i] === id);
}

/** Position 0 has nothing before it to be predicted from, so it never carries a label. */
function finish({ ids, loss }: TokenRow, { lossOn, maxLength }: RenderOptions): RenderedExample {
  const labels = ids.map((id, t) => (t > 0 && (lossOn === 'all' || loss[t]) ? id : IGNORED));
  const first = labels.findIndex((label) => label !== IGNORED);
  const kept = labels.slice(0, maxLength);
  return {
    ids: Int32Array.from(ids.slice(0, maxLength)),
    labels: Int32Array.from(kept),
    labelled: kept.filter((label) => label !== IGNORED).length,
    promptTokens: first < 0 ? ids.length : first,
    fullLength: ids.length,
    truncated: ids.length > maxLength,
  };
}
