/** The compiled kernels of ./assembly on a memory of their own, one instance per thread, made when first asked for. */
import { MODULE } from './module.ts';

/** Addresses are bytes of the kernels' memory; what the functions do stands beside them in ./assembly. */
interface Exports {
  packRows(
    format: number,
    dtype: number,
    source: number,
    C: number,
    rows: number,
    row: number,
    to: number,
    factors: number,
  ): number;
  dotRows(w: number, C: number, rows: number, x: number, N: number, y: number, stride: number): void;
  addRows(w: number, C: number, rows: number, x: number, N: number, stride: number, y: number): void;
  transposeRows(from: number, C: number, rows: number, to: number, stride: number): void;
  unpackRows(format: number, from: number, C: number, rows: number, factors: number, to: number): void;
}

/** Part of the kernels' memory. */
interface Region {
  at: number;
  bytes: Uint8Array;
  floats: Float32Array;
}

interface WasmKernels {
  exports: Exports;
  /** Lays out regions of so many bytes, each at a multiple of 64; those of the call before are void. */
  regions<Sizes extends readonly number[]>(...sizes: Sizes): { [Index in keyof Sizes]: Region };
}

/** The part of the WebAssembly API that is used here; Node's types leave it to the DOM's. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: {
  Memory: new (limits: { initial: number }) => WasmMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: { memory: WasmMemory } }) => { exports: unknown };
};

const PAGE = 1 << 16;
const ALIGNMENT = 64;
/** Below lie the tables of ./assembly. */
const FIRST = 1 << 12;

let kernels: WasmKernels | undefined;

export function wasmKernels(): WasmKernels {
  return (kernels ??= instantiate());
}

function instantiate(): WasmKernels {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(Buffer.from(MODULE, 'base64'));
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
  return {
    exports,
    regions<Sizes extends readonly number[]>(...sizes: Sizes) {
      let end = FIRST;
      const places = sizes.map((size) => {
        const at = end;
        end = Math.ceil((at + size) / ALIGNMENT) * ALIGNMENT;
        return at;
      });
      const missing = end - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
      return places.map((at, i): Region => ({
        at,
        bytes: new Uint8Array(memory.buffer, at, sizes[i]),
        floats: new Float32Array(memory.buffer, at, Math.floor(sizes[i]! / 4)),
      })) as { [Index in keyof Sizes]: Region };
    },
  };
}
