/**
 * Whether a graphics card can bind what reading a prompt and answering it makes: known before the first pass, from
 * shapes alone.
 */
import { mostBytesPerBinding } from '../../engine/backends/bindingLimit.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { largestActivation } from '../../engine/model/weightLayout.ts';
import { usageError } from '../../../src-shared/errors.ts';

const MIB = 2 ** 20;
const BYTES_OF_FLOAT = 4;

interface Reading {
  /** Answers to the same prompt, computed together. */
  rows: number;
  promptTokens: number;
  maxNew: number;
  /** Tokens of the prompts that one pass reads. */
  tokensPerPass: number;
}

interface Buffer {
  what: string;
  bytes: number;
  /** Of a prompt that needs no more than the card binds; less than 1 where none does. */
  mostTokens: number;
}

/** Throws BUFFER_TOO_LARGE. */
export function checkPromptBuffers(
  spec: ArchitectureSpec,
  reading: Reading,
  bindingBytes = mostBytesPerBinding(),
): void {
  const tooLarge = buffersOf(spec, reading, bindingBytes).filter(({ bytes }) => bytes > bindingBytes);
  if (tooLarge.length === 0) return;
  const { what, bytes } = tooLarge.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const mostTokens = Math.min(...tooLarge.map((buffer) => buffer.mostTokens));
  const { rows, promptTokens } = reading;
  const fewer = mostTokens >= 1 ? `shorten it to ${mostTokens} tokens` : 'ask for a shorter answer';
  throw usageError(
    'BUFFER_TOO_LARGE',
    `A prompt of ${promptTokens} tokens${rows > 1 ? `, answered ${rows} times at once,` : ''} needs ` +
      `${Math.ceil(bytes / MIB)} MiB in one buffer for the ${what}, and the graphics card binds ` +
      `${Math.floor(bindingBytes / MIB)} MiB at once; ${fewer} or choose another engine.`,
    { promptTokens, bytes, bindingBytes, mostTokens },
  );
}

function buffersOf(
  spec: ArchitectureSpec,
  { rows, promptTokens, maxNew, tokensPerPass }: Reading,
  bindingBytes: number,
): Buffer[] {
  const { what, bytesPerToken } = largestActivation(spec, false);
  const read = Math.min(promptTokens, Math.max(1, Math.floor(tokensPerPass / rows)));
  const columnBytes = rows * columnBytesOf(spec);
  const columns = Math.min(promptTokens + maxNew, spec.maxPositions);
  return [
    { what, bytes: rows * read * bytesPerToken, mostTokens: Math.floor(bindingBytes / (rows * bytesPerToken)) },
    {
      what: `keys of a layer, with an answer of up to ${maxNew} tokens`,
      bytes: columns * columnBytes,
      mostTokens: Math.floor(bindingBytes / columnBytes) - maxNew,
    },
  ];
}

/** Keys (or values) of one token in one layer. */
export function columnBytesOf({ kvHeads, headDim }: ArchitectureSpec): number {
  return BYTES_OF_FLOAT * kvHeads * headDim;
}

/**
 * Whether prompts of unlike length may be read together, the longest of them `longest` tokens: only then is there a
 * matrix of scores, (rows·H, T, S), on a card.
 */
export function mayPad(
  { heads }: ArchitectureSpec,
  { tokensPerPass, longest }: { tokensPerPass: number; longest: number },
  bindingBytes = mostBytesPerBinding(),
): boolean {
  return BYTES_OF_FLOAT * heads * tokensPerPass * longest <= bindingBytes;
}
