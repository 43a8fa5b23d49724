/**
 * Examples as token ids with labels.
 *
 * A model that generates sees the ids of the prompt alone, so an example must begin with exactly those:
 * ids = encode(prompt) + continuation, where the continuation is what encode(prompt + completion) adds when it begins
 * with encode(prompt). Where a token would reach over the boundary ("hello wor" + "ld"), the completion is encoded on
 * its own, and so that no space creeps in that SentencePiece puts before every text.
 */
import { chatSegments } from './chat.ts';
import { withControls } from './controlTokens.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { tokenOutside } from './tokenOutside.ts';
import { IGNORED } from './types.ts';
import type { Example, LossOn, Segment } from '../../src-shared/datasets.ts';

export interface RenderOptions {
  lossOn: LossOn;
  /** Tokens per example; what is longer loses its end. */
  maxLength: number;
  /** Control tokens in the text of a row are tokens, not text. */
  controlTokens?: boolean | undefined;
  /** Rows of the model's embedding, beyond which no kept token may lie. */
  vocab?: number | undefined;
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
  /** The row is so long that only its beginning was tokenised: `promptTokens` and `fullLength` are estimates. */
  estimated: boolean;
  /** Control tokens that its text spells out, beside the frame. */
  controls: number;
}

/** Ids and labels of an example, or the reason why the model's template cannot write or its embedding not read it. */
export function renderExample(
  given: Example,
  tokenizer: TextTokenizer,
  options: RenderOptions,
): RenderedExample | { reason: string } {
  const row = render(given, tokenizer, options);
  if ('reason' in row) return row;
  const outside = tokenOutside(row.ids, options.vocab ?? Infinity, tokenizer);
  return outside === undefined ? row : { reason: outside };
}

function render(
  given: Example,
  tokenizer: TextTokenizer,
  options: RenderOptions,
): RenderedExample | { reason: string } {
  const { example, controls } = withControls(given, tokenizer, options.controlTokens === true);
  const limit = Number.isFinite(options.maxLength) ? options.maxLength : MOST_COUNTED;
  if (example.segments) {
    const row = tokenise(example.segments, { tokenizer, encode: tokenizer.encodePrompt, limit });
    // EOS teaches where an answer ends.
    if (tokenizer.eosId !== undefined && !example.goesOn && row.unread === 0 && row.ids.at(-1) !== tokenizer.eosId)
      append(row, [tokenizer.eosId], { text: '', loss: true });
    return { ...finish(row, options), controls };
  }
  // A chat template writes its special tokens itself.
  const encode = tokenizer.chatTemplate === undefined ? tokenizer.encodePrompt : plainEncoder(tokenizer);
  for (let chars = limit * USUAL_CHARS; ; chars *= 4) {
    const chat = chatSegments(tokenizer, example, chars);
    if ('reason' in chat) return chat;
    const row = tokenise(chat.segments, { tokenizer, encode, limit });
    if (chat.whole || row.ids.length > limit) return { ...finish(row, options), controls };
  }
}

interface TokenRow {
  ids: number[];
  /** Where runs of tokens of one kind end, in order. */
  runs: { end: number; label: 'loss' | 'context' | 'silent' }[];
  /** Characters that were tokenised, and those after them. */
  read: number;
  unread: number;
  /** Of `unread`, those before the first text that carries loss, where none was tokenised. */
  unreadPrompt: number;
}

type Encode = (text: string) => number[];

/** Tokens of a row that are made where it need not be cut; the lengths of longer rows are estimated. */
const MOST_COUNTED = 1 << 17;
/** Characters of a token at most, as a rule. */
const USUAL_CHARS = 8;
/** Tokens before a cut in the text that the text after it might change. */
export const MARGIN = 64;

/**
 * The tokens of a row up to `limit` and a few more. A longer row is cut before it is tokenised: the time that a
 * tokenizer takes for megabytes without a space would not end.
 */
function tokenise(
  segments: readonly Segment[],
  { tokenizer, encode, limit }: { tokenizer: TextTokenizer; encode: Encode; limit: number },
): TokenRow {
  const row: TokenRow = { ids: [], runs: [], read: 0, unread: 0, unreadPrompt: 0 };
  const before = new Context(plainEncoder(tokenizer));
  let isPrompt = true;
  for (const segment of segments) {
    const wanted = limit + MARGIN - row.ids.length;
    let { length: unread } = segment.text;
    if (wanted > 0) {
      const { ids, chars } = encodeUpTo(wanted, segment.text, (part) =>
        before.isEmpty
          ? encode(part)
          : continuation(tokenizer, part, before.near(row.ids) ?? before.whole(encode, row.ids)),
      );
      append(row, ids, segment);
      row.read += chars;
      unread -= chars;
    }
    isPrompt &&= !segment.loss;
    row.unread += unread;
    if (isPrompt) row.unreadPrompt += unread;
    before.add(segment.text);
  }
  return row;
}

function append(row: TokenRow, ids: readonly number[], { loss, silent }: Segment): void {
  for (const id of ids) row.ids.push(id);
  row.runs.push({ end: row.ids.length, label: silent ? 'silent' : loss ? 'loss' : 'context' });
}

/**
 * At least the first `wanted` ids of `text`, or all; but for the last MARGIN of them they are those of the whole text.
 * `chars`: of the part of the text that they are of.
 */
export function encodeUpTo(wanted: number, text: string, encode: Encode): { ids: number[]; chars: number } {
  for (let chars = wanted * USUAL_CHARS; chars < text.length; chars *= 2) {
    const end = placeToCut(text, chars);
    const ids = encode(text.slice(0, end));
    if (ids.length >= wanted) return { ids, chars: end };
  }
  return { ids: encode(text), chars: text.length };
}

/** Before the last space of the first `chars` characters, which no token reaches over; never inside a character. */
function placeToCut(text: string, chars: number): number {
  const space = text.lastIndexOf(' ', chars);
  if (space > chars / 2) return space;
  const code = text.charCodeAt(chars);
  return code >= 0xdc00 && code <= 0xdfff ? chars - 1 : chars;
}

/** Texts that tokens seldom reach over; before them SentencePiece puts its space instead of before the completion. */
const ANCHORS = ['\n', '.', '1', 'a'];

/** A text that goes on, its ids, and how it is encoded together with what comes. */
interface Begun {
  text: string;
  ids: readonly number[];
  encode: Encode;
}

/** Characters of a text on which the tokens after it may depend; a short text is encoded anew as a whole. */
const NEAR_CHARS = 512;
const SHORT_CHARS = 4096;
/** A place in front of which every tokenizer ends a token, whatever follows. */
const PLACE_TO_BEGIN = /[^\s](?= )|[\p{L}\p{N}](?=\n)/gu;
/** Stands for the word in front of such a place. */
const WORD = 'a';

/** What is written so far. That each of many short texts is encoded with all before it would take quadratic time. */
class Context {
  #plain: Encode;
  #texts: string[] = [];
  #chars = 0;
  #end = '';

  constructor(plain: Encode) {
    this.#plain = plain;
  }

  get isEmpty(): boolean {
    return this.#chars === 0;
  }

  add(text: string): void {
    this.#texts.push(text);
    this.#chars += text.length;
    this.#end = (this.#end + text).slice(-SHORT_CHARS);
  }

  whole(encode: Encode, ids: readonly number[]): Begun {
    return { text: this.#texts.join(''), ids, encode };
  }

  /** The end of a long text, where its own ids are those that it has in the text (`ids`). */
  near(ids: readonly number[]): Begun | undefined {
    if (this.#chars <= SHORT_CHARS) return undefined;
    const place = [...this.#end.slice(0, -NEAR_CHARS).matchAll(PLACE_TO_BEGIN)].at(-1);
    if (!place) return undefined;
    const text = this.#end.slice(place.index + place[0].length);
    const head = this.#plain(WORD);
    const encode = (own: string): number[] => this.#plain(WORD + own).slice(head.length);
    const own = encode(text);
    return startsWith(this.#plain(WORD + text), head) && endsWith(ids, own) ? { text, ids: own, encode } : undefined;
  }
}

/** Ids of `addition` where it follows the text that has begun. */
function continuation(tokenizer: TextTokenizer, addition: string, { text, ids: before, encode }: Begun): number[] {
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

function endsWith(ids: readonly number[], suffix: readonly number[]): boolean {
  const from = ids.length - suffix.length;
  return from >= 0 && suffix.every((id, i) => ids[from + i] === id);
}

/** Position 0 has nothing before it to be predicted from, so it never carries a label. */
function finish(row: TokenRow, { lossOn, maxLength }: RenderOptions): Omit<RenderedExample, 'controls'> {
  const { ids, runs, read, unread } = row;
  const kept = Int32Array.from(ids.length > maxLength ? ids.slice(0, maxLength) : ids);
  const labels = new Int32Array(kept.length).fill(IGNORED);
  let labelled = 0;
  let first = -1;
  let start = 1;
  for (const { end, label } of runs) {
    if (end > start && (label === 'loss' || (lossOn === 'all' && label === 'context'))) {
      if (first < 0) first = start;
      const last = Math.min(end, kept.length);
      if (last > start) {
        labels.set(kept.subarray(start, last), start);
        labelled += last - start;
      }
    }
    start = Math.max(start, end);
  }
  const perChar = unread > 0 ? ids.length / read : 0;
  const fullLength = ids.length + Math.ceil(unread * perChar);
  return {
    ids: kept,
    labels,
    labelled,
    promptTokens: first < 0 ? ids.length + Math.floor(row.unreadPrompt * perChar) : first,
    fullLength,
    truncated: fullLength > maxLength,
    estimated: unread > 0,
  };
}
