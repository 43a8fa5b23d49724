/** One answer as it grows: tokens in, text out up to a stop text, and how fast they came. */
import { createTextStream, type TextStream } from '../../datasets/textStream.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import type { TokenLikelihood } from '../../engine/generate/generate.ts';
import type { AnswerPiece, GenerateResult, TokenProbability } from '../../../src-shared/generation.ts';
import { StopText } from './stopText.ts';
import { TokenTexts } from './tokenTexts.ts';

interface AnswerListener {
  /** What the answer has grown by. */
  show(piece: AnswerPiece): void;
  /** Its end. */
  tell(result: GenerateResult): void;
}

export class StreamedAnswer {
  ended: 'length' | 'eos' | null = null;
  private readonly stream: TextStream;
  private readonly filter: StopText;
  /** Stop texts with special tokens, from the first of those on: they are in no text. */
  private readonly stopIds: number[][];
  private readonly lastIds: number[] = [];
  private stoppedById = false;
  private readonly texts: TokenTexts;
  private readonly listener: AnswerListener;
  private result: GenerateResult | null = null;
  private readonly started = performance.now();
  private readonly promptTokens: number;
  private text = '';
  private tokens = 0;
  private probabilities: TokenProbability[] | undefined;

  constructor(tokenizer: TextTokenizer, prompt: number[], stop: string[], listener: AnswerListener) {
    this.stream = createTextStream(tokenizer, prompt);
    this.filter = new StopText(stop);
    this.stopIds = stop.map((text) => specialPart(tokenizer, text)).filter((ids) => ids.length > 0);
    this.texts = new TokenTexts(tokenizer, prompt);
    this.promptTokens = prompt.length;
    this.listener = listener;
  }

  get isOver(): boolean {
    return this.isStopped || this.ended !== null;
  }

  private get isStopped(): boolean {
    return this.filter.stopped || this.stoppedById;
  }

  push(id: number, likelihood?: TokenLikelihood): void {
    this.tokens++;
    this.lastIds.push(id);
    this.stoppedById = this.stopIds.some((ids) => ids.every((one, i) => this.lastIds.at(i - ids.length) === one));
    if (this.stoppedById) return;
    const text = this.stream.push(id);
    if (likelihood) {
      this.probabilities ??= [];
      this.texts.push(id, text, likelihood);
    }
    const shown = this.filter.push(text);
    this.show(shown, this.texts.release(this.text.length + shown.length));
  }

  /** Ends the answer; once it has ended, the same result again. */
  finish(): GenerateResult {
    if (this.result) return this.result;
    const rest = this.filter.push(this.stream.end()) + this.filter.end();
    this.show(rest, this.texts.end(this.text + rest));
    const { text, tokens, promptTokens, tokensPerSecond, probabilities } = this;
    const stopReason = this.isStopped ? 'stop' : (this.ended ?? 'cancelled');
    this.result = {
      text,
      tokens,
      promptTokens,
      stopReason,
      tokensPerSecond,
      ...(probabilities ? { probabilities } : {}),
    };
    this.listener.tell(this.result);
    return this.result;
  }

  private get tokensPerSecond(): number {
    return this.tokens / ((performance.now() - this.started) / 1000);
  }

  private show(text: string, probabilities: TokenProbability[]): void {
    if (text === '' && probabilities.length === 0) return;
    this.text += text;
    this.probabilities?.push(...probabilities);
    const { tokensPerSecond } = this;
    this.listener.show({ text, tokensPerSecond, ...(probabilities.length > 0 ? { probabilities } : {}) });
  }
}

function specialPart({ encode, specialIds }: TextTokenizer, text: string): number[] {
  if (text === '') return [];
  const ids = encode(text, { addSpecialTokens: false });
  const first = ids.findIndex((id) => specialIds.has(id));
  return first < 0 ? [] : ids.slice(first);
}
