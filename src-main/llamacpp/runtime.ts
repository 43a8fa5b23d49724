/**
 * llama.cpp itself, through node-llama-cpp, which is looked for when it is needed. On the processor alone, so that two
 * machines judge a file alike. It is native code: whoever calls it runs in a process that may end (the worker), and has
 * made sure before that the file is whole.
 */
import type { Llama, LlamaContext, LlamaModel, Token } from 'node-llama-cpp';
import { GraftError } from '../../src-shared/errors.ts';

export interface LlamacppOptions {
  /** Tokens of the model. */
  vocab: number;
  /** Tokens that a sequence may have. */
  contextLength: number;
  /** A LoRA in GGUF that acts at run time. */
  adapter?: string | undefined;
}

export interface LlamacppModel {
  /** Ids of a text, without what the model puts around it. control: texts of control tokens are those tokens. */
  tokenize(text: string, control: boolean): number[];
  /** Whether a generation ends at the token. */
  isEnd(id: number): boolean;
  /** What the model puts before and after a text. */
  frame: { before: number[]; after: number[] };
  dispose(): Promise<void>;
}

export interface LlamacppRunner extends LlamacppModel {
  /**
   * Calls `visit` with the probabilities of the token after ids[0..t], (V), for each t in turn; the array is reused.
   */
  nextProbabilities(ids: ArrayLike<number>, visit: (t: number, probabilities: Float64Array) => void): Promise<void>;
}

let loaded: Promise<Llama> | undefined;

/** Throws GraftError LLAMACPP_ABSENT where the package, or its build for this machine, is missing. */
export function loadLlamacpp(): Promise<Llama> {
  loaded ??= start().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function start(): Promise<Llama> {
  try {
    const found = await import('node-llama-cpp');
    return await found.getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      // Its own lines go to the worker's stderr, where nobody reads them; what matters is thrown.
      logLevel: found.LlamaLogLevel.disabled,
    });
  } catch (error) {
    throw new GraftError(
      'LLAMACPP_ABSENT',
      'llama.cpp is not installed for this platform, so it cannot run the file; install it (npm install ' +
        'node-llama-cpp) to have it judged by the program that will run it.',
      { missing: 'node-llama-cpp', reason: String(error) },
      { cause: error },
    );
  }
}

/** The tokenizer of a GGUF file alone. Throws LLAMACPP_ABSENT or LLAMACPP_REFUSED. */
export async function openTokenizer(file: string): Promise<LlamacppModel> {
  return modelOf(await loadModelFile(file, { vocabOnly: true }));
}

/**
 * The model of a GGUF file; keys and values are kept as float32. Throws GraftError LLAMACPP_ABSENT, or LLAMACPP_REFUSED
 * for a file that llama.cpp does not take. The caller has read the header: the package reads some files that are no
 * GGUF for ever.
 */
export async function openRunner(
  file: string,
  { vocab, contextLength, adapter }: LlamacppOptions,
): Promise<LlamacppRunner> {
  const model = await loadModelFile(file, { gpuLayers: 0 });
  try {
    const context = await model.createContext({
      // A full context is shifted: its last position would see other tokens.
      contextSize: contextLength + 1,
      batchSize: contextLength,
      sequences: 1,
      threads: await threadsFor(model.size),
      flashAttention: false,
      experimentalKvCacheKeyType: 'F32',
      experimentalKvCacheValueType: 'F32',
      ...(adapter === undefined ? {} : { lora: { adapters: [{ filePath: adapter, scale: 1 }] } }),
    });
    return runnerOf(model, context, vocab);
  } catch (error) {
    await model.dispose();
    throw refusedFile(adapter ?? file, error);
  }
}

const SMALL_BYTES = 64 << 20;

/**
 * The threads of a small model wait for each other longer than they compute. Those of a large one leave a processor to
 * others: they wait in a loop, so one that is kept from running holds up all.
 */
export async function threadsFor(modelBytes: number): Promise<number> {
  const { cpuMathCores } = await loadLlamacpp();
  return modelBytes < SMALL_BYTES ? 1 : Math.max(1, cpuMathCores - 1);
}

/** Throws LLAMACPP_ABSENT or LLAMACPP_REFUSED. */
export async function loadModelFile(
  file: string,
  options: { vocabOnly?: true; gpuLayers?: number },
): Promise<LlamaModel> {
  const llama = await loadLlamacpp();
  try {
    return await llama.loadModel({ modelPath: file, ...options });
  } catch (error) {
    throw refusedFile(file, error);
  }
}

/** LLAMACPP_REFUSED. */
export function refusedFile(file: string, error: unknown): GraftError {
  return new GraftError(
    'LLAMACPP_REFUSED',
    `llama.cpp does not take ${file}: ${error instanceof Error ? error.message : String(error)}; write the file again.`,
    { file },
    { cause: error },
  );
}

function modelOf(model: LlamaModel): LlamacppModel {
  const { bos, eos, shouldPrependBosToken, shouldAppendEosToken } = model.tokens;
  return {
    tokenize: (text, control) => model.tokenize(text, control),
    isEnd: (id) => model.isEogToken(id as Token),
    frame: {
      before: shouldPrependBosToken && bos !== null ? [bos] : [],
      after: shouldAppendEosToken && eos !== null ? [eos] : [],
    },
    dispose: () => model.dispose(),
  };
}

/** Probabilities that node-llama-cpp hands over at once; each is an entry of a Map. */
const KEPT_PROBABILITIES = 1 << 19;

/**
 * Their sum comes out of float32, which is off by 1e-5 for a few hundred tokens: as much as a divergence that is meant
 * to tell something.
 */
function normalise(probabilities: Float64Array): void {
  const sum = probabilities.reduce((a, b) => a + b, 0);
  for (let i = 0; i < probabilities.length; i++) probabilities[i]! /= sum;
}

function runnerOf(model: LlamaModel, context: LlamaContext, vocab: number): LlamacppRunner {
  const sequence = context.getSequence();
  const step = Math.max(1, Math.floor(KEPT_PROBABILITIES / vocab));
  return {
    ...modelOf(model),
    nextProbabilities: async (ids, visit) => {
      await sequence.clearHistory();
      const row = new Float64Array(vocab);
      for (let start = 0; start < ids.length; start += step) {
        const tokens = Array.from(ids).slice(start, start + step) as Token[];
        const outputs = await sequence.controlledEvaluate(
          tokens.map((token) => [token, { generateNext: { probabilities: true } }]),
        );
        for (const [i, output] of outputs.entries()) {
          row.fill(0);
          for (const [id, probability] of output!.next.probabilities!) row[id] = probability;
          normalise(row);
          visit(start + i, row);
        }
      }
    },
    dispose: async () => {
      await context.dispose();
      await model.dispose();
    },
  };
}
