/** What each method knows of the engine; its folder holds it, the one list is registry.ts. */
import type { AdapterSettings, MethodSettings } from '../../src-shared/methods/registry.ts';
import type { AdapterContent } from '../adapters/content.ts';
import type { GraftAdapterInfo } from '../adapters/graftInfo.ts';
import type { BaseModel } from '../basemodel/baseModel.ts';
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import type { Adapter } from './adapter.ts';
import type { KeptStart, Probe } from './probe.ts';

/** New trainable parameters, and what the method wants to know while they are trained. */
interface Training<S = MethodSettings, A extends Adapter = Adapter> {
  adapter: A;
  /** Called before the forward pass of a training micro-batch; `place` names it uniquely within the run. */
  beforeTraining?(place: string): void;
  /** Called before evaluation. */
  beforeEvaluation?(): void;
  /** Factor on the learning rate of one parameter; absent: 1 for all. */
  lrScaleOf?(parameter: Parameter): number;
  /** What is written, where that is not `adapter` with the settings of the run. */
  result?(): Promise<{ adapter: A; settings: S }>;
}

/** What a method may start from, beside model and settings. */
export interface StartRequest {
  seed: number;
  /** The classes, where a head is trained along. */
  labels?: string[] | undefined;
  /** Absent where nothing is trained, but measured. */
  probe?: Probe | undefined;
  /** Absent: nowhere. */
  kept?: KeptStart | undefined;
}

export interface Written {
  /** Of the weights file. */
  sha256: string;
  sizeBytes: number;
}

export interface Method<S extends MethodSettings = MethodSettings, A extends Adapter = Adapter> {
  /** The model equals the base at first. Throws usage errors. */
  create(model: Decoder, settings: S, run: StartRequest): Training<S, A> | Promise<Training<S, A>>;
  /** Writes the result folder, whole or not at all; `graft` holds the settings too. */
  save(dir: string, adapter: A, settings: S, base: BaseModel, graft: GraftAdapterInfo): Promise<Written>;
  /** A stored adapter, checked against its base, on the current backend; absent where there is none. */
  adapterFrom?(content: AdapterContent<S & AdapterSettings>, spec: ArchitectureSpec): A;
  /** Settings with the same shapes that need no values of the base, for estimates. */
  forShapes?(settings: S): S;
}
