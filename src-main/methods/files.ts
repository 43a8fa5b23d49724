/**
 * What each method knows of requests, files and merging: no tensors of the engine, so that the main process can ask.
 * A method's folder holds its part; the one list is fileRegistry.ts.
 */
import type { MethodSettings } from '../../src-shared/methods/registry.ts';
import type { AdapterContent, Base, Cell } from '../adapters/content.ts';
import type { AdapterFile } from '../adapters/files.ts';
import type { StoredAdapter } from '../adapters/stored.ts';
import type { BaseTensor } from '../basemodel/baseModel.ts';
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import type { EditRows } from '../safetensors/editedRows.ts';
import type { FillRow } from './delta.ts';

/** What merging does to each tensor of a base: which rows change, and how. */
export type EditOf = (tensor: BaseTensor) => EditRows | undefined;

export interface MethodFiles<S extends MethodSettings = MethodSettings> {
  /** Throws a usage error where the settings do not fit the model. `tensors`: names of the model's tensors. */
  check(spec: ArchitectureSpec, tensors: string[], settings: S): void;
  /** Present where PEFT has the method. */
  peft?: {
    /** `peft_type` in adapter_config.json. */
    type: string;
    /** Throws GraftError PEFT_* for what cannot be applied faithfully. */
    read(file: AdapterFile): StoredAdapter;
  };
  /** What a folder in Graft's own format does to a base; absent where the method is never written in it. */
  own?(file: AdapterFile, settings: S, base: Base): AdapterContent;
  /** The rows that a cell adds to its weight, in that weight's orientation; absent where it does not add. */
  rowsOf?(cell: Cell): FillRow;
  /** Merging beyond adding rows: undefined where a tensor changes by `rowsOf` and trained biases alone. */
  edits?(content: AdapterContent): EditOf;
}
