/**
 * An adapter's virtual tokens among the ids of a text: l_p in front, l_i between prompt and answer. Virtual token j has
 * the id vocab + j, so that a row is still a list of ids (engine/model/attachment.ts).
 */
import { IGNORED, type TokenisedExample } from './types.ts';

export interface VirtualLayout {
  /** l_p */
  prefix: number;
  /** l_i */
  infix: number;
  vocab: number;
}

/** The row with virtual tokens, none of which carries loss; the infix stands right before the first labelled token. */
export function withVirtualTokens<T extends Pick<TokenisedExample, 'ids' | 'labels'>>(
  example: T,
  layout: VirtualLayout,
): T {
  const answer = Math.max(
    0,
    example.labels.findIndex((label) => label !== IGNORED),
  );
  const silent = (count: number): number[] => Array<number>(count).fill(IGNORED);
  return {
    ...example,
    ids: inserted(example.ids, answer, layout),
    labels: Int32Array.from([
      ...silent(layout.prefix),
      ...example.labels.subarray(0, answer),
      ...silent(layout.infix),
      ...example.labels.subarray(answer),
    ]),
  };
}

/** A prompt that is to be answered, with virtual tokens in front of it and at its end. */
export function virtualPrompt(ids: ArrayLike<number>, layout: VirtualLayout): number[] {
  return [...inserted(Int32Array.from(ids), ids.length, layout)];
}

function inserted(ids: Int32Array, answer: number, { prefix, infix, vocab }: VirtualLayout): Int32Array {
  const own = (first: number, count: number): number[] => Array.from({ length: count }, (_, j) => vocab + first + j);
  return Int32Array.from([
    ...own(0, prefix),
    ...ids.subarray(0, answer),
    ...own(prefix, infix),
    ...ids.subarray(answer),
  ]);
}
