/**
 * Rows that can be decoded in one batch: those of the base and of plain LoRAs, each with its own; or those of one
 * adapter of another method.
 */
import { virtualPrompt } from '../../datasets/virtualTokens.ts';
import { RollingBatch, type BatchEvent, type GenerateOptions } from '../../engine/generate/generate.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import type { Adapter } from '../../methods/adapter.ts';
import type { LoraAdapter } from '../../methods/lora/lora.ts';
import { isMixable, MixedLora } from '../../methods/lora/mixed.ts';
import { mayPad } from './promptBuffers.ts';

export type Extent = RollingBatch['extent'];

/** A row that joins a group. */
export interface GroupRow {
  row: number;
  adapter: Adapter | null;
  /** Ids of the text, without virtual tokens. */
  prompt: readonly number[];
  /** Ids that it has been answered with already. */
  written: readonly number[];
  options: GenerateOptions;
}

/** Of prompts that are read together the longest has at most this many times the tokens of the shortest, … */
const MOST_UNEQUAL = 2;
/** … or this many more. */
const MUCH_THE_SAME = 32;

export class AnswerGroup {
  private readonly spec: ArchitectureSpec;
  private readonly tokensPerPass: number;
  private readonly batch: RollingBatch;
  /** Adapters of the rows under way; in a group of plain LoRAs they differ. */
  private readonly adapters = new Map<number, Adapter | null>();
  private mixed: MixedLora | undefined;
  /** What `mixed` knows, by its place there. */
  private places: (LoraAdapter | null)[] = [];

  /** `own`: the one adapter of the group; undefined: plain LoRAs and the base. */
  constructor(base: Decoder, tokensPerPass: number, own?: Adapter) {
    this.spec = base.spec;
    this.tokensPerPass = tokensPerPass;
    if (own) {
      this.batch = new RollingBatch(base.with(own), { tokensPerPass });
      return;
    }
    const beforePass = (rows: number[], T: number): void =>
      this.mixed?.assign(
        rows.map((row) => this.places.indexOf(this.adapters.get(row) as LoraAdapter | null)),
        T,
      );
    const model = base.with({ linear: (y, x, at) => this.mixed?.linear(y, x, at) ?? y });
    this.batch = new RollingBatch(model, { tokensPerPass, beforePass });
  }

  get isBusy(): boolean {
    return this.batch.isBusy;
  }

  get extent(): Extent {
    return this.batch.extent;
  }

  enter(rows: GroupRow[]): void {
    for (const alike of this.ofLikeLength(rows)) {
      this.batch.enter(
        alike.map(({ row, adapter, prompt, written, options }) => {
          const ids = adapter?.virtual ? virtualPrompt(prompt, { ...adapter.virtual, vocab: this.spec.vocab }) : prompt;
          return { row, options, prompt: [...ids, ...written] };
        }),
      );
      for (const { row, adapter } of alike) this.adapters.set(row, adapter);
    }
    const lacks = [...this.adapters.values()].some((adapter) => isMixable(adapter) && !this.places.includes(adapter));
    if (lacks) this.mixAnew();
  }

  leave(row: number): void {
    this.batch.leave(row);
    this.forget(row);
  }

  async step(): Promise<BatchEvent[]> {
    const events = await this.batch.step();
    for (const event of events) if ('end' in event) this.forget(event.row);
    return events;
  }

  dispose(): void {
    this.batch.dispose();
    this.mixed?.dispose();
    this.mixed = undefined;
    this.places = [];
  }

  private forget(row: number): void {
    this.adapters.delete(row);
  }

  /** Since padding is computed too; of one length where the card could not bind the scores of padded ones. */
  private ofLikeLength(rows: GroupRow[]): GroupRow[][] {
    const lengthOf = ({ adapter, prompt, written }: GroupRow): number => {
      const { prefix = 0, infix = 0 } = adapter?.virtual ?? {};
      return prompt.length + prefix + infix + written.length;
    };
    const { spec, tokensPerPass } = this;
    const sorted = rows.toSorted((a, b) => lengthOf(a) - lengthOf(b));
    const groups: GroupRow[][] = [];
    for (const row of sorted) {
      const alike = groups.at(-1);
      const [shortest, longest] = [alike ? lengthOf(alike[0]!) : 0, lengthOf(row)];
      const most = mayPad(spec, { tokensPerPass, longest })
        ? Math.max(MOST_UNEQUAL * shortest, shortest + MUCH_THE_SAME)
        : shortest;
      if (alike && longest <= most) alike.push(row);
      else groups.push([row]);
    }
    return groups;
  }

  private mixAnew(): void {
    this.mixed?.dispose();
    this.places = [...new Set(this.adapters.values())].filter(isMixable);
    this.mixed = new MixedLora(this.places);
  }
}
