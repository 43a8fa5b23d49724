/** What a file of PyTorch's may consist of. Nothing here is code, nothing becomes a JavaScript class or property. */
import type { Dtype } from '../safetensors/dtype.ts';
import type { Callable } from './globals.ts';

export interface Dict {
  kind: 'dict';
  /** Key and value by turns: none is an object's property, so that no name can mean something here. */
  entries: PickleValue[];
}

export interface Sequence {
  kind: 'list' | 'tuple';
  items: PickleValue[];
}

/** A name of Python's that is allowed, and what it stands for. */
export interface Global {
  kind: 'global';
  name: string;
  callable: Callable;
}

/** A run of values in the file; dtype is null for untyped bytes. */
export interface Storage {
  kind: 'storage';
  key: string;
  dtype: Dtype | null;
  elements: number;
}

/** A view of a storage; offset and strides in elements. */
export interface TensorView {
  kind: 'tensor';
  storage: Storage;
  dtype: Dtype;
  offset: number;
  shape: number[];
  strides: number[];
}

/** Bytes, devices, dtypes: what says nothing about values. */
export interface Opaque {
  kind: 'opaque';
}

export type PickleValue =
  null | boolean | number | bigint | string | Dict | Sequence | Global | Storage | TensorView | Opaque;

export const OPAQUE: Opaque = Object.freeze({ kind: 'opaque' });

export function kindOf(value: PickleValue | undefined): string {
  return typeof value === 'object' && value !== null ? value.kind : value === null ? 'null' : typeof value;
}

export function isDict(value: PickleValue | undefined): value is Dict {
  return kindOf(value) === 'dict';
}

export function isTuple(value: PickleValue | undefined): value is Sequence {
  return kindOf(value) === 'tuple';
}

export function isTensor(value: PickleValue | undefined): value is TensorView {
  return kindOf(value) === 'tensor';
}
