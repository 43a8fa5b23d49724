/** llama.cpp as the judge of a GGUF file: on the processor, on one thread, so that a busy machine does not stall it. */
import { getLlama, LlamaLogLevel, type Llama, type LlamaContextSequence, type Token } from 'node-llama-cpp';

let llama: Promise<Llama> | undefined;

async function withSequence<T>(file: string, length: number, use: (sequence: LlamaContextSequence) => Promise<T>) {
  llama ??= getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.disabled });
  const model = await (await llama).loadModel({ modelPath: file });
  try {
    const context = await model.createContext({
      contextSize: length,
      threads: 1,
      experimentalKvCacheKeyType: 'F32',
      experimentalKvCacheValueType: 'F32',
    });
    return await use(context.getSequence());
  } finally {
    await model.dispose();
  }
}

/** After each of `ids` the probabilities of all next tokens, (T, V) row by row. */
export async function llamacppProbabilities(file: string, ids: number[], vocab: number): Promise<Float64Array> {
  return withSequence(file, ids.length + 1, async (sequence) => {
    const outputs = await sequence.controlledEvaluate(
      ids.map((id) => [id as Token, { generateNext: { probabilities: true } }]),
    );
    const all = new Float64Array(ids.length * vocab);
    for (const [t, output] of outputs.entries())
      for (const [id, probability] of output!.next.probabilities!) all[t * vocab + id] = probability;
    return all;
  });
}

/** The `count` likeliest tokens after `prompt`, one after another. */
export async function llamacppGreedy(file: string, prompt: number[], count: number): Promise<number[]> {
  return withSequence(file, prompt.length + count, async (sequence) => {
    const found: number[] = [];
    for (let next = prompt; found.length < count; next = found.slice(-1)) {
      const outputs = await sequence.controlledEvaluate(
        next.map((id, i) =>
          i === next.length - 1
            ? [id as Token, { generateNext: { token: true, options: { temperature: 0 } } }]
            : (id as Token),
        ),
      );
      found.push(outputs.at(-1)!.next.token!);
    }
    return found;
  });
}

/** The largest KL divergence of a row, of softmax(logits) against `probabilities`; both (T, V). */
export function largestKl(logits: ArrayLike<number>, probabilities: Float64Array, vocab: number): number {
  let largest = 0;
  for (let start = 0; start < probabilities.length; start += vocab) {
    const row = Array.from({ length: vocab }, (_, i) => logits[start + i]!);
    const highest = Math.max(...row);
    const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
    const kl = row.reduce((sum, logit, i) => {
      const log = logit - highest - total;
      return sum + Math.exp(log) * (log - Math.log(probabilities[start + i]!));
    }, 0);
    largest = Math.max(largest, kl);
  }
  return largest;
}
