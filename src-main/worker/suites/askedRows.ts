/** The rows of a suite as one subject is asked: under its prompt template, as token ids. */
import { toExample } from '../../datasets/examples.ts';
import { chatSegments } from '../../datasets/chat.ts';
import { templated } from '../../datasets/promptTemplates.ts';
import { lastAnswer } from '../../datasets/questionOf.ts';
import { renderExample, type RenderedExample } from '../../datasets/render.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { promptIds } from '../serve/answerBatch.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { ColumnPlan, Example } from '../../../src-shared/datasets.ts';
import type { KeptTemplate } from '../../../src-shared/promptTemplates.ts';
import type { SuiteQuestion } from '../../../src-shared/suites.ts';

type Row = Pick<SuiteQuestion, 'line' | 'values'>;
type Reason = { reason: string };

export class AskedRows {
  readonly #plan: ColumnPlan;
  /** Writes conversations by the subject's template. */
  readonly #tokenizer: TextTokenizer;
  readonly #kept: KeptTemplate | undefined;
  readonly #most: { vocab: number; maxLength: number };

  /** `kept`: the subject's template; undefined where nothing is known, as of an adapter made elsewhere. */
  constructor(
    plan: ColumnPlan,
    tokenizer: TextTokenizer,
    { kept, ...most }: { kept: KeptTemplate | undefined; vocab: number; maxLength: number },
  ) {
    const found = templated(plan, tokenizer, { keptTemplate: kept });
    this.#plan = found.plan;
    this.#tokenizer = found.tokenizer;
    this.#kept = kept;
    this.#most = most;
  }

  /** What is asked, exactly as in training; virtual tokens aside. */
  promptIds(row: Row): number[] | Reason {
    const example = this.#example(row);
    if ('reason' in example) return example;
    try {
      if (example.messages) {
        const messages = example.messages.slice(0, lastAnswer(example.messages));
        return promptIds(this.#tokenizer, { prompt: '', messages, maxNew: 1, temperature: 0 }, this.#kept);
      }
      const prompt = example.segments.filter(({ loss }) => !loss).map(({ text }) => text);
      const asTrained = this.#kept !== undefined && this.#kept.template === undefined;
      const params = { prompt: prompt.join(''), asTrained, maxNew: 1, temperature: 0 };
      return promptIds(this.#tokenizer, params, asTrained ? this.#kept : undefined);
    } catch (error) {
      if (error instanceof GraftError && error.code === 'CHAT_TEMPLATE') return { reason: error.message };
      throw error;
    }
  }

  /** The whole row with its answer, which carries loss. */
  wholeRow(row: Row): RenderedExample | Reason {
    const example = this.#example(row);
    return 'reason' in example ? example : this.#render(example);
  }

  /** The row with `choice` in the place of its answer, which alone carries loss, without a token that ends it. */
  choiceRow(row: Row, choice: string): RenderedExample | Reason {
    const example = this.#example(row);
    if ('reason' in example) return example;
    const { line } = example;
    if (!example.messages) {
      const asked = example.segments.filter(({ loss }) => !loss);
      return this.#render({ line, segments: [...asked, { text: choice, loss: true }], goesOn: true });
    }
    const at = lastAnswer(example.messages);
    const messages = [
      ...example.messages.slice(0, at).map((message) => ({ ...message, train: false as const })),
      { role: 'assistant' as const, content: choice },
    ];
    const written = chatSegments(this.#tokenizer, { messages, ...(example.tools ? { tools: example.tools } : {}) });
    if ('reason' in written) return written;
    const segments = written.segments.filter(({ loss }, i, all) => !loss || i === all.findLastIndex((s) => s.loss));
    const answer = segments.findLastIndex(({ loss }) => loss);
    const { text } = segments[answer]!;
    const end = text.lastIndexOf(choice.trim()) + choice.trim().length;
    const cut = [...segments.slice(0, answer), { text: text.slice(0, end), loss: true }];
    // A template writes its special tokens itself, and what it writes are tokens.
    const plain = (own: string): number[] => this.#tokenizer.encode(own, { addSpecialTokens: false });
    const isTemplate = this.#tokenizer.chatTemplate !== undefined;
    const tokenizer = isTemplate ? { ...this.#tokenizer, encodePrompt: plain } : this.#tokenizer;
    return this.#render({ line, segments: cut, goesOn: true }, tokenizer, isTemplate);
  }

  #example({ line, values }: Row): Example | Reason {
    return toExample({ line, values }, this.#plan);
  }

  #render(example: Example, tokenizer = this.#tokenizer, controlTokens = false): RenderedExample | Reason {
    return renderExample(example, tokenizer, { lossOn: 'completion', controlTokens, ...this.#most });
  }
}
