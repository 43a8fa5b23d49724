/** The trained values in one word, to tell whether a run has changed any of them. */
import { createHash } from 'node:crypto';
import type { Parameter } from '../../engine/model/parameters.ts';

/** Sha-256 of all values, in the order of the parameters. */
export async function digestOf(parameters: readonly Parameter[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { value } of parameters) {
    const values = await value.data();
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}
