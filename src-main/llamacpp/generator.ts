/**
 * Answers by llama.cpp: several sequences on one context, which node-llama-cpp decodes as one batch, and which may join
 * and leave at any token. Keys and values are in float16, as llama.cpp keeps them by itself.
 */
import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import type { AnswerGrammar } from '../../src-shared/generation.ts';
import { usageError } from '../../src-shared/errors.ts';
import { loadLlamacpp, loadModelFile, refusedFile, threadsFor } from './runtime.ts';
import { sampleInTurn } from './sampleInTurn.ts';
import { unknownKeyword } from './schemaKeywords.ts';

interface SampledBy {
  maxNew: number;
  /** 0: the likeliest. */
  temperature: number;
  topK?: number | undefined;
  topP?: number | undefined;
  repetitionPenalty?: number | undefined;
  seed: number;
  grammar?: AnswerGrammar | undefined;
  ignoreEnds: boolean;
}

export interface LlamacppGenerator {
  /** Tokens of prompt and answer together. */
  contextLength: number;
  sizeBytes: number;
  /** Waits for a free sequence; ends at maxNew, at the end of the context, or where the model ends the answer. */
  generate(ids: readonly number[], sampling: SampledBy, ended: () => boolean): AsyncGenerator<number, void>;
  dispose(): Promise<void>;
}

/** Throws GraftError LLAMACPP_ABSENT or LLAMACPP_REFUSED. */
export async function openGenerator(
  file: string,
  { sequences, longest }: { sequences: number; longest: number },
): Promise<LlamacppGenerator> {
  const model = await loadModelFile(file, { gpuLayers: 0 });
  const contextLength = Math.min(longest, model.trainContextSize);
  try {
    const context = await model.createContext({
      contextSize: contextLength,
      sequences,
      threads: await threadsFor(model.size),
    });
    sampleInTurn(context);
    const free = Array.from({ length: sequences }, () => context.getSequence());
    const waiting: ((sequence: LlamaContextSequence) => void)[] = [];
    const take = async (): Promise<LlamaContextSequence> =>
      free.pop() ?? (await new Promise((resolve) => waiting.push(resolve)));
    const giveBack = (sequence: LlamaContextSequence): void => {
      const next = waiting.shift();
      if (next) next(sequence);
      else free.push(sequence);
    };
    return {
      contextLength,
      sizeBytes: model.size,
      async *generate(ids, sampling, ended) {
        const sequence = await take();
        try {
          await sequence.clearHistory();
          const options = await evaluateOptions(ids, sampling);
          let left = Math.min(sampling.maxNew, contextLength - ids.length);
          if (left <= 0 || ended()) return;
          for await (const token of sequence.evaluate([...ids] as Token[], options)) {
            options.seen.push(token);
            yield token;
            if (--left === 0 || ended()) return;
          }
        } finally {
          giveBack(sequence);
        }
      },
      dispose: async () => {
        await context.dispose();
        await model.dispose();
      },
    };
  } catch (error) {
    await model.dispose();
    throw refusedFile(file, error);
  }

  async function evaluateOptions(
    ids: readonly number[],
    { temperature, topK, topP, repetitionPenalty = 1, seed, grammar, ignoreEnds }: SampledBy,
  ): Promise<SequenceEvaluateOptions & { seen: Token[] }> {
    const seen = [...ids] as Token[];
    return {
      seen,
      temperature,
      // Its own defaults would cut.
      topK: topK ?? 0,
      topP: topP ?? 1,
      minP: 0,
      seed,
      yieldEogToken: ignoreEnds,
      ...(repetitionPenalty === 1
        ? {}
        : { repeatPenalty: { penalty: repetitionPenalty, punishTokens: () => [...new Set(seen)] } }),
      ...(grammar ? { grammarEvaluationState: await grammarState(grammar) } : {}),
    };
  }

  async function grammarState(wanted: AnswerGrammar) {
    const unknown = wanted.type === 'json' ? undefined : unknownKeyword(wanted.schema);
    if (unknown !== undefined)
      throw usageError(
        'GRAMMAR_REFUSED',
        `llama.cpp has no grammar for "${unknown.slice(0, 40)}" in a JSON schema, and would go on without it; write ` +
          'the schema without.',
      );
    const { LlamaGrammarEvaluationState } = await import('node-llama-cpp');
    const llama = await loadLlamacpp();
    try {
      const grammar =
        wanted.type === 'json'
          ? await llama.getGrammarFor('json')
          : await llama.createGrammarForJsonSchema(wanted.schema as { type: 'object' });
      return new LlamaGrammarEvaluationState({ model, grammar });
    } catch (error) {
      throw usageError(
        'GRAMMAR_REFUSED',
        `llama.cpp has no grammar for this JSON schema: ${error instanceof Error ? error.message : String(error)}; ` +
          'simplify it.',
      );
    }
  }
}
