/**
 * llama.cpp sorts the logits of a batch into its order when one of them is first read, without a lock. node-llama-cpp
 * reads those of all sequences at once, on several threads, and now and then one then gets the token of another.
 */
import type { LlamaContext } from 'node-llama-cpp';

type Sample = (...args: unknown[]) => Promise<unknown>;

/** Makes this context sample for one sequence after the other. */
export function sampleInTurn(context: LlamaContext): void {
  const native = (context as unknown as { _ctx: { sampleToken: Sample } })._ctx;
  const sample = native.sampleToken.bind(native);
  let before: Promise<unknown> = Promise.resolve();
  const inTurn: Sample = (...args) => {
    const token = before.then(() => sample(...args));
    before = token.catch(() => undefined);
    return token;
  };
  Object.defineProperty(native, 'sampleToken', { value: inTurn }); // its class has it read-only
}
