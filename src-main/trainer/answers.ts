/** From the tokens of a batch to streamed texts: one answer per row, each ending at its own stop text, end token or length. */
import { setImmediate } from 'node:timers/promises';
import { encodeChatPrompt } from '../datasets/chat.ts';
import { createTextStream } from '../datasets/textStream.ts';
import type { TextTokenizer } from '../datasets/tokenizer.ts';
import { virtualPrompt } from '../datasets/virtualTokens.ts';
import type { BatchEvent, BatchRow } from '../engine/generate/generate.ts';
import type { VirtualTokens } from '../engine/model/attachment.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import { Random } from '../engine/random.ts';
import type { CallControl } from './control.ts';
import type { GenerateParams, GenerateResult } from './protocol.ts';
import { StopText } from './stopText.ts';
import { keepTuning } from './tuning.ts';

interface Request {
  model: Decoder;
  tokenizer: TextTokenizer;
  params: GenerateParams;
  /** How many rows get the prompt. */
  rows: number;
  /** Virtual tokens of the adapter that answers. */
  virtual?: Pick<VirtualTokens, 'prefix' | 'infix'> | undefined;
  /** Starts decoding. */
  decode(rows: BatchRow[]): AsyncGenerator<BatchEvent, void>;
  /** Told each piece of a row's text. */
  emit?(row: number, text: string): void;
  control: CallControl;
}

export async function answerRows({ model, tokenizer, params, rows, virtual, decode, emit, control }: Request): Promise<GenerateResult[]> {
  const prompt = params.chat ? encodeChatPrompt(tokenizer, [{ role: 'user', content: params.prompt }]) : tokenizer.encodePrompt(params.prompt);
  const eosIds = [...new Set([...tokenizer.eosIds, ...model.spec.eosTokenIds])];
  const { maxNew, temperature, topK, topP, seed = 0, stop = [] } = params;
  const answers = Array.from({ length: rows }, (_, row) => new Answer(tokenizer, prompt, stop, (text) => emit?.(row, text)));
  const ids = virtual ? virtualPrompt(prompt, { ...virtual, vocab: model.spec.vocab }) : prompt;
  const started = performance.now();
  const events = decode(answers.map(() => ({ prompt: ids, options: { maxNew, temperature, topK, topP, eosIds, random: new Random(seed) } })));
  for await (const event of events) {
    const answer = answers[event.row]!;
    if ('end' in event) answer.ended = event.end;
    else answer.push(event.id);
    if (control.stopped || answers.every(({ isOver }) => isOver)) break;
    await keepTuning();
    await setImmediate(); // libtensorflow answers at once: without this no message would get in between two tokens
  }
  return answers.map((answer) => answer.finish(prompt.length, performance.now() - started));
}

class Answer {
  ended: 'length' | 'eos' | null = null;
  private readonly stream: ReturnType<typeof createTextStream>;
  private readonly filter: StopText;
  private readonly emit: (text: string) => void;
  private text = '';
  private tokens = 0;

  constructor(tokenizer: TextTokenizer, prompt: number[], stop: string[], emit: (text: string) => void) {
    this.stream = createTextStream(tokenizer, prompt);
    this.filter = new StopText(stop);
    this.emit = emit;
  }

  get isOver(): boolean {
    return this.filter.stopped || this.ended !== null;
  }

  /** A token; after a stop text it is passed over. */
  push(id: number): void {
    if (this.isOver) return;
    this.tokens++;
    this.show(this.filter.push(this.stream.push(id)));
  }

  finish(promptTokens: number, elapsedMs: number): GenerateResult {
    this.show(this.filter.push(this.stream.end()));
    this.show(this.filter.end());
    const { text, tokens } = this;
    return { text, tokens, promptTokens, stopReason: this.filter.stopped ? 'stop' : (this.ended ?? 'cancelled'), tokensPerSecond: tokens / (elapsedMs / 1000) };
  }

  private show(piece: string): void {
    if (piece === '') return;
    this.text += piece;
    this.emit(piece);
  }
}
