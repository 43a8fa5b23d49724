/** One answer as it comes: its text, its tokens with their probabilities, and how it ended. */
import type { AnswerPiece, GenerateResult, HistoryAnswer, TokenProbability } from '../../lib/api.ts';
import type { Subject } from './subjects.ts';

export class Answer {
  /** Who answers; empty: the plain base. */
  readonly by: string;
  readonly name: string;
  text = $state('');
  tokens = $state.raw<TokenProbability[]>([]);
  tokensPerSecond = $state<number | undefined>();
  result = $state.raw<Omit<GenerateResult, 'promptTokens'> | undefined>();
  /** The thumb that was given to it. */
  mark = $state<boolean | null>(null);
  /** As it came, where it was edited. */
  original = $state<string | undefined>();
  /** Characters of `text` that `tokens` make up; what follows has no probabilities yet. */
  readonly covered = $derived(this.tokens.reduce((sum, { text }) => sum + text.length, 0));
  #pending: AnswerPiece[] = [];
  #frame: number | undefined;

  constructor(by: Pick<Subject, 'key' | 'name'>) {
    this.by = by.key;
    this.name = by.name;
  }

  /** Pieces that come within one frame are shown together. */
  add(piece: AnswerPiece): void {
    this.#pending.push(piece);
    this.#frame ??= requestAnimationFrame(() => this.#show());
  }

  end(result: Omit<GenerateResult, 'promptTokens'>): void {
    this.#show();
    this.result = result;
    this.text = result.text;
    this.tokens = result.probabilities ?? [];
    this.tokensPerSecond = result.tokensPerSecond;
  }

  /** What it should have been, in its place. */
  edit(text: string): void {
    this.original ??= this.text;
    this.mark = null;
    this.tokens = [];
    this.text = text;
  }

  /** As it is kept; an answer that broke off counts as cancelled. */
  kept(): HistoryAnswer {
    this.#show();
    const { by, name, text, result } = this;
    const {
      tokens = this.tokens.length,
      tokensPerSecond = this.tokensPerSecond ?? 0,
      stopReason = 'cancelled',
    } = result ?? {};
    return { by: by || null, name, text, tokens, tokensPerSecond, stopReason };
  }

  static of(kept: HistoryAnswer): Answer {
    const { by, name, text, tokens, tokensPerSecond, stopReason } = kept;
    const answer = new Answer({ key: by ?? '', name });
    answer.end({ text, tokens, tokensPerSecond, stopReason });
    return answer;
  }

  #show(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    const pieces = this.#pending.splice(0);
    if (pieces.length === 0) return;
    this.text += pieces.map(({ text }) => text).join('');
    const tokens = pieces.flatMap(({ probabilities = [] }) => probabilities);
    if (tokens.length > 0) this.tokens = [...this.tokens, ...tokens];
    this.tokensPerSecond = pieces.at(-1)!.tokensPerSecond;
  }
}
