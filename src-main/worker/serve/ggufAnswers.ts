/**
 * Answers of a GGUF file in llama.cpp, many at once. Its prompts are made by Graft's own tokenizer and template, read
 * from the file, so that a conversation begins there exactly as on Graft's engines.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import { checkPrompt } from '../../engine/generate/generate.ts';
import { writeCompanion } from '../../gguf/companion.ts';
import { openGenerator, type LlamacppGenerator } from '../../llamacpp/generator.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { AnswerPiece, GenerateResult } from '../../../src-shared/generation.ts';
import type { ServedLoad } from '../../../src-shared/serving.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { CallControl } from '../control.ts';
import { promptIds } from './answerBatch.ts';
import { refuseUnknownIds } from './answersTogether.ts';
import { StreamedAnswer } from './streamedAnswer.ts';

/** Each has a context of its own, whose memory is taken at the start. */
const SEQUENCES = 8;
const LONGEST = 4096;

export class GgufAnswers {
  private readonly tokenizer: TextTokenizer;
  private readonly generator: LlamacppGenerator;

  private constructor(tokenizer: TextTokenizer, generator: LlamacppGenerator) {
    this.tokenizer = tokenizer;
    this.generator = generator;
  }

  /** Throws as writeCompanion and openGenerator. */
  static async open(file: string): Promise<{ answers: GgufAnswers; load: ServedLoad }> {
    const started = performance.now();
    const tokenizer = await tokenizerIn(file);
    const generator = await openGenerator(file, { sequences: SEQUENCES, longest: LONGEST });
    const load: ServedLoad = {
      engine: 'llama.cpp',
      device: os.cpus()[0]?.model ?? 'processor',
      loadMs: performance.now() - started,
      chatTemplate: tokenizer.chatTemplate !== undefined,
      memoryBytes: process.memoryUsage.rss(),
    };
    return { answers: new GgufAnswers(tokenizer, generator), load };
  }

  /** Throws EMPTY_PROMPT, PROMPT_TOO_LONG, TOKEN_OUTSIDE, LIKELIHOODS_MISSING, GRAMMAR_REFUSED. */
  async answer(
    params: WorkerCalls['answer']['params'],
    emit: (piece: AnswerPiece) => void,
    control: CallControl,
  ): Promise<GenerateResult> {
    const { tokenizer, generator } = this;
    if (params.probabilities)
      throw usageError(
        'LIKELIHOODS_MISSING',
        'Likelihoods of tokens are not told by llama.cpp here; leave "logprobs" out, or serve on an engine of Graft.',
      );
    const ids = promptIds(tokenizer, params);
    refuseUnknownIds(ids, tokenizer.vocabSize);
    checkPrompt(ids, generator.contextLength);
    const answer = new StreamedAnswer(tokenizer, ids, params.stop ?? [], { show: emit, tell: () => undefined });
    const { maxNew, temperature, topK, topP, repetitionPenalty, seed = 0, grammar, ignoreEnds = false } = params;
    const sampling = { maxNew, temperature, topK, topP, repetitionPenalty, seed, grammar, ignoreEnds };
    let count = 0;
    for await (const id of generator.generate(ids, sampling, () => control.stopped || answer.isOver)) {
      count++;
      if (!ignoreEnds && tokenizer.eosIds.includes(id)) break;
      answer.push(id);
    }
    if (!control.stopped && !answer.isOver)
      answer.ended = count >= Math.min(maxNew, generator.contextLength - ids.length) ? 'length' : 'eos';
    return answer.finish();
  }

  dispose(): Promise<void> {
    return this.generator.dispose();
  }
}

/** The files of a Hugging Face folder that the header comes to are needed for a moment only. */
async function tokenizerIn(file: string): Promise<TextTokenizer> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-gguf-'));
  try {
    const folder = path.join(dir, 'companion');
    await writeCompanion(file, folder);
    return loadTokenizer(folder);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
