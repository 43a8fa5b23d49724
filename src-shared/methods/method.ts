/**
 * What a fine-tuning method is to everyone outside its own folder: its settings, its words, its count of parameters and
 * what can be done with its result. The maths is in src-main/methods/NAME.
 */
import { z } from 'zod';
import type { Setting } from '../settings/setting.ts';
import type { Target } from '../targets.ts';

export interface MethodSetting<S extends z.ZodType = z.ZodType> extends Setting<S> {
  /**
   * Where a form has it: among the first fields, folded away with what few runs change, or in the picture of matrices.
   */
  place: 'fields' | 'more' | 'grid';
}
export type MethodSettingTable = Record<string, MethodSetting>;

export interface MethodText {
  /** `DoRA`. */
  name: string;
  /** `rank 8, alpha 16, q, v`; empty where there is nothing to choose. */
  details: string;
}

/** One linear layer of a model. */
export interface Matrix {
  target: string;
  inFeatures: number;
  outFeatures: number;
  /** Name of its bias. */
  bias?: string;
}

/** What the formulas know of a model. */
export interface ModelShape {
  layers: number;
  /** d_model, width of the residual stream. */
  hidden: number;
  kvHeads: number;
  headDim: number;
  /** The matrices that the settings adapt, each with its rank. */
  matrices: (Matrix & { rank: number })[];
  /** Every tensor of the base, by name. */
  tensors: ReadonlyMap<string, { shape: number[] }>;
}

export interface Trainable {
  count: number;
  /** The closed formula with its numbers. */
  formula: string;
}

interface VirtualTokenCounts {
  /** l_p, in front of the input. */
  prefix: number;
  /** l_i, between prompt and answer. */
  infix: number;
}

type SettingsShape<T extends string, S extends MethodSettingTable> = { type: z.ZodLiteral<T> } & {
  [K in keyof S]: S[K]['schema'];
};
type SettingsSchema<T extends string, S extends MethodSettingTable> = z.ZodObject<SettingsShape<T, S>>;
export type SettingsOf<T extends string, S extends MethodSettingTable> = z.output<SettingsSchema<T, S>>;

export interface Described<T extends string, S extends MethodSettingTable, V> {
  /** As runs and adapters on disk call it; never changed. */
  type: T;
  name: string;
  /** What it is, in a line. */
  line: string;
  /** In the order of forms and of the command line. */
  settings: S;
  describe(settings: V): MethodText;
  /** The parameters that it trains (Hu et al. 2021, section 5.1, generalised to matrices that are not square). */
  trainable(settings: V, model: ModelShape): Trainable;
  /** Present where it adapts chosen matrices. */
  targets?: {
    /** What is adapted where nothing is chosen. */
    usual(model: { family: string; targets: readonly string[] }): string[];
    /** Whether nothing but the matrices is trained, so that their sizes give the count. */
    nothingElse(settings: V): boolean;
  };
  /** Settings that a form does not show because others make them void. */
  void?(settings: V): string[];
  /** The result is a whole model, not an adapter beside its base. */
  wholeModel?: boolean;
  /** Can train a head beside it that tells labels apart. */
  classifies?: boolean;
  /** Of an adapter that cannot become part of the weights: why. */
  notMergeable?: string;
  /** Why it does more than add to the weights; undefined where it can be weighted and summed with others. */
  notAdditive?(settings: V): string | undefined;
  /** Whether its adapters can answer in one batch, each row with its own. */
  batched?(settings: V): boolean;
  virtualTokens?(settings: V): VirtualTokenCounts;
}

export interface MethodDescriptor<T extends string, S extends MethodSettingTable> extends Described<
  T,
  S,
  SettingsOf<T, S>
> {
  schema: SettingsSchema<T, S>;
}

/** Makes the schema from the settings; each keeps its own type. */
export function defineMethod<const T extends string, const S extends MethodSettingTable>(
  method: Described<T, S, SettingsOf<T, S>>,
): MethodDescriptor<T, S> {
  const own = Object.entries(method.settings).map(([name, { schema }]) => [name, schema]);
  const shape = { type: z.literal(method.type), ...Object.fromEntries(own) } as SettingsShape<T, S>;
  return { ...method, schema: z.object(shape) };
}

/** Parameters of the tensors of these names. */
export function sizeOf(names: string[], tensors: ModelShape['tensors']): number {
  return sum(names.map((name) => tensors.get(name)!.shape.reduce((a, b) => a * b, 1)));
}

export function sum(values: number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

export function layersText(layers: number[] | undefined): string[] {
  if (!layers) return [];
  return [`${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(' ')}`];
}

/** What a method's settings say of the matrices that it adapts. */
export interface TargetSettings {
  targets?: Target[] | undefined;
  /** 0-based; absent: all. */
  layers?: number[] | undefined;
  /** Single matrices left out, by `3.q`. */
  exclude?: string[] | undefined;
}
