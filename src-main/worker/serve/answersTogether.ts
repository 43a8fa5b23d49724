/**
 * Answers of many requests on one base at once. A request joins the others between any two tokens and leaves when it
 * is done or its client is gone. Keys and values stay below a bound: who comes waits for room, and where the rows have
 * grown out of it, the one that came last gives way and goes on later from where it was.
 */
import { setImmediate } from 'node:timers/promises';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { checkPrompt, type BatchEvent, type GenerateOptions } from '../../engine/generate/generate.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { isMixable } from '../../methods/lora/mixed.ts';
import type { AnswerPiece, GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { CallControl } from '../control.ts';
import { keepTuning } from '../tuning.ts';
import { AdapterPool } from './adapterPool.ts';
import { optionsOf, promptIds } from './answerBatch.ts';
import { AnswerGroup, type Extent } from './answerGroup.ts';
import { checkPromptBuffers } from './promptBuffers.ts';
import { StreamedAnswer } from './streamedAnswer.ts';
import type { Writer } from './writer.ts';

/** Tokens of prompts that are read between two tokens of the answers under way. */
const TOKENS_PER_PASS = 512;
/** Columns that a row shall be able to grow by after it has joined. */
const ROOM_TO_GROW = 32;

/** A row that is, or will be, in a group. */
interface Asked {
  row: number;
  writer: Writer;
  prompt: number[];
  /** Ids of the answer so far. */
  written: number[];
  /** How many of them have come since the row joined its group. */
  fresh: number;
  options: GenerateOptions;
  answer: StreamedAnswer;
  control: CallControl;
  resolve(result: GenerateResult): void;
  reject(error: unknown): void;
}

export class AnswersTogether {
  private readonly model: Decoder;
  private readonly tokenizer: TextTokenizer;
  private readonly pool: AdapterPool;
  private readonly mostColumns: number;
  /** By what can be decoded together: null for the base and plain LoRAs, else the one adapter. */
  private readonly groups = new Map<Writer['adapter'], AnswerGroup>();
  private waiting: Asked[] = [];
  private readonly underWay = new Map<number, Asked>();
  private nextRow = 0;
  private running = false;

  /** `mostColumns`: columns of keys and values of all rows together. */
  constructor(parts: { model: Decoder; tokenizer: TextTokenizer; base: BaseModel }, mostColumns: number) {
    this.model = parts.model;
    this.tokenizer = parts.tokenizer;
    this.pool = new AdapterPool(parts);
    this.mostColumns = mostColumns;
  }

  /**
   * Throws as loadWriter, EMPTY_PROMPT, PROMPT_TOO_LONG, BUFFER_TOO_LARGE, and TOKEN_OUTSIDE for an id that the model
   * does not have.
   */
  async answer(
    params: GenerateParams,
    adapterDir: string | null,
    emit: (piece: AnswerPiece) => void,
    control: CallControl,
  ): Promise<GenerateResult> {
    const { writer, giveBack } = this.pool.take(adapterDir);
    try {
      const prompt = promptIds(this.tokenizer, params, writer.promptTemplate);
      refuseUnknownIds(prompt, this.model.spec.vocab);
      const { prefix = 0, infix = 0 } = writer.adapter?.virtual ?? {};
      const promptTokens = prompt.length && prompt.length + prefix + infix;
      checkPrompt({ length: promptTokens }, this.model.spec.maxPositions);
      checkPromptBuffers(this.model.spec, {
        rows: 1,
        promptTokens,
        maxNew: params.maxNew,
        tokensPerPass: TOKENS_PER_PASS,
      });
      return await new Promise<GenerateResult>((resolve, reject) => {
        const listener = { show: emit, tell: () => undefined };
        const answer = new StreamedAnswer(this.tokenizer, prompt, params.stop ?? [], listener);
        const options = optionsOf(this.model, this.tokenizer, params, writer.endIds);
        const row = this.nextRow++;
        this.waiting.push({ row, writer, prompt, written: [], fresh: 0, options, answer, control, resolve, reject });
        if (!this.running) void this.run();
      });
    } finally {
      giveBack();
    }
  }

  /** Answers that have not ended fail as CANCELLED. */
  dispose(): void {
    const error = new GraftError('CANCELLED', 'The model was taken out of memory before this answer had ended.');
    for (const { reject } of [...this.waiting, ...this.underWay.values()]) reject(error);
    this.waiting = [];
    this.underWay.clear();
    for (const key of [...this.groups.keys()]) this.drop(key);
    this.pool.dispose();
  }

  private async run(): Promise<void> {
    this.running = true;
    // What comes in the same moment is read in one pass.
    await setImmediate();
    while (this.waiting.length > 0 || this.underWay.size > 0) {
      this.endStopped();
      this.makeRoom();
      this.admit();
      for (const [key, group] of this.groups) await this.stepOf(key, group);
      await keepTuning();
      await setImmediate(); // libtensorflow answers at once: without this no message would get in between two tokens
    }
    this.running = false;
  }

  private endStopped(): void {
    const stopped = ({ control }: Asked): boolean => control.stopped;
    for (const asked of this.waiting.filter(stopped)) asked.resolve(asked.answer.finish());
    this.waiting = this.waiting.filter((asked) => !stopped(asked));
    for (const asked of this.underWay.values()) if (stopped(asked)) this.end(asked);
  }

  /** Those that have waited longest join while there is room; one always may. */
  private admit(): void {
    const extents = new Map([...this.groups].map(([key, { extent }]) => [key, extent]));
    const joining = new Map<Writer['adapter'], Asked[]>();
    while (this.waiting.length > 0) {
      const asked = this.waiting[0]!;
      const key = groupKey(asked.writer);
      const { rows, longest } = extents.get(key) ?? { rows: 0, longest: 0 };
      const length = lengthOf(asked) + ROOM_TO_GROW;
      const next = new Map(extents).set(key, { rows: rows + 1, longest: Math.max(longest, length) });
      if (this.underWay.size > 0 && columnsOf(next.values()) > this.mostColumns) break;
      extents.set(key, next.get(key)!);
      this.waiting.shift();
      this.underWay.set(asked.row, asked);
      joining.set(key, [...(joining.get(key) ?? []), asked]);
    }
    for (const [key, rows] of joining) this.enter(key, rows);
  }

  private enter(key: Writer['adapter'], rows: Asked[]): void {
    const group = this.groups.get(key) ?? new AnswerGroup(this.model, TOKENS_PER_PASS, key ?? undefined);
    this.groups.set(key, group);
    try {
      group.enter(rows.map(({ writer: { adapter }, ...asked }) => ({ ...asked, adapter })));
    } catch (error) {
      this.fail(key, error);
    }
  }

  /** Until the rows fit into the bound, the youngest goes back to those that wait, with what it has written. */
  private makeRoom(): void {
    const columns = columnsOf([...this.groups.values()].map(({ extent }) => extent));
    if (this.underWay.size < 2 || columns <= this.mostColumns) return;
    // One that has filled the model's context could not be read again, and ends with its next token anyhow.
    const movable = [...this.underWay.values()].filter((asked) => lengthOf(asked) < this.model.spec.maxPositions);
    const youngest = movable.reduce<Asked | undefined>((a, b) => (a && a.row > b.row ? a : b), undefined);
    if (!youngest) return;
    this.leave(youngest);
    const { options, fresh } = youngest;
    this.waiting.unshift({ ...youngest, options: { ...options, maxNew: options.maxNew - fresh }, fresh: 0 });
  }

  private async stepOf(key: Writer['adapter'], group: AnswerGroup): Promise<void> {
    try {
      if (group.isBusy) for (const event of await group.step()) this.take(event);
    } catch (error) {
      return this.fail(key, error);
    }
    if (!group.isBusy) this.drop(key);
  }

  /** Ends every answer of a group, whose batch is of no use any more. */
  private fail(key: Writer['adapter'], error: unknown): void {
    for (const asked of this.underWay.values()) {
      if (groupKey(asked.writer) !== key) continue;
      this.underWay.delete(asked.row);
      asked.reject(error);
    }
    this.drop(key);
  }

  private drop(key: Writer['adapter']): void {
    this.groups.get(key)?.dispose();
    this.groups.delete(key);
  }

  private take(event: BatchEvent): void {
    const asked = this.underWay.get(event.row);
    if (!asked) return;
    if ('end' in event) asked.answer.ended = event.end;
    else {
      asked.written.push(event.id);
      asked.fresh++;
      asked.answer.push(event.id, event.likelihood);
    }
    if (asked.answer.isOver) this.end(asked);
  }

  private end(asked: Asked): void {
    this.leave(asked);
    asked.resolve(asked.answer.finish());
  }

  private leave({ row, writer }: Asked): void {
    this.groups.get(groupKey(writer))?.leave(row);
    this.underWay.delete(row);
  }
}

/** Tokens of a row so far, those of its adapter included. */
function lengthOf({ prompt, written, writer }: Asked): number {
  const { prefix = 0, infix = 0 } = writer.adapter?.virtual ?? {};
  return prefix + prompt.length + infix + written.length;
}

function columnsOf(extents: Iterable<Extent>): number {
  return [...extents].reduce((sum, { rows, longest }) => sum + rows * longest, 0);
}

function groupKey({ adapter }: Writer): Writer['adapter'] {
  return isMixable(adapter) ? null : adapter;
}

/** Throws TOKEN_OUTSIDE. */
export function refuseUnknownIds(ids: readonly number[], vocab: number): void {
  const id = ids.find((one) => !Number.isInteger(one) || one < 0 || one >= vocab);
  if (id === undefined) return;
  throw usageError(
    'TOKEN_OUTSIDE',
    `The prompt has the token ${id}, but this model knows the tokens 0 to ${vocab - 1} only; give ids of its own ` +
      'tokenizer.',
    { id, vocab },
  );
}
