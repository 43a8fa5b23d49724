/**
 * Brings one matrix of a base, or some of its rows, into the form it is kept in, run by run: out of the cache where it
 * lies there whole, else out of the checkpoint, and into the cache on the way.
 */
import fs from 'node:fs';
import { DTYPE_BYTES, isFloatDtype, type FloatDtype } from '../safetensors/dtype.ts';
import { readRowsF32, type TensorInfo } from '../safetensors/read.ts';
import { matrixBytes, rowRuns, type LoadedForm, type RowRun } from './matrixLayout.ts';
import type { PackedCache } from './packedCache.ts';
import { LAYOUT_VERSION, type OpenPacked, type PackedKey, type PackedRun, type PackedWriter } from './packedFile.ts';
import type { PackQuestion } from './packQuestion.ts';
import type { Packers } from './packThreads.ts';
import type { RunGate } from './runGate.ts';

/** What is loaded as one: a matrix, or the rows of one that are kept together. */
export interface MatrixPart {
  /** Of the weight that it is a part of. */
  name: string;
  info: TensorInfo;
  firstRow: number;
  R: number;
  C: number;
  format: LoadedForm;
}

/** Where the bytes of a part go. */
export interface PartTarget {
  /** All of it in this process; else it is filled through `put`. */
  whole?: SharedArrayBuffer | undefined;
  put(bytes: Uint8Array, start: number): Promise<void>;
}

export interface LoadingTools {
  packers: Packers;
  gate: RunGate;
  /** Called with the weights of each run that has arrived. */
  onWeights(count: number): void;
  /** Something that the user should know, a sentence. */
  note(message: string): void;
  /** Most bytes of the source, or of what becomes of it, in a run. */
  runBytes: number;
  /** Of packed forms; null: nothing is read from it or kept. */
  cache: PackedCache | null;
  /** Kept files may be written. */
  keeps: boolean;
}

/** Where a part lies in the cache; undefined for one that is read as fast from the checkpoint. */
export function keyOf(base: { hash: string; stamp: string }, part: MatrixPart): PackedKey | undefined {
  const { name: tensor, firstRow, R, C, format } = part;
  if (format !== 'int8' && format !== 'nf4') return undefined;
  return { version: LAYOUT_VERSION, base: base.hash, stamp: base.stamp, tensor, firstRow, R, C, format };
}

/** Throws WEIGHT_OUT_OF_RANGE, CANCELLED, and what reading the checkpoint throws. */
export async function loadMatrix(
  part: MatrixPart,
  key: PackedKey | undefined,
  target: PartTarget,
  tools: LoadingTools,
): Promise<void> {
  const { totalBytes } = matrixBytes(part.format, part.R, part.C);
  const kept = key && tools.cache ? tools.cache.open(key, totalBytes) : null;
  if (kept === 'damaged') tellDamaged(part, tools);
  else if (kept) {
    if (await readKept(kept, part, target, tools)) return;
    tellDamaged(part, tools);
    fs.rmSync(kept.file, { force: true });
  }
  await new MatrixPacker(part, target, tools).pack(key);
}

function tellDamaged({ name }: MatrixPart, { note }: LoadingTools): void {
  note(`The packed form of ${name} in the cache was damaged, so it is made again from the checkpoint.`);
}

/** False where a run is not what its checksum says. */
async function readKept(kept: OpenPacked, part: MatrixPart, target: PartTarget, tools: LoadingTools): Promise<boolean> {
  const { gate, packers } = tools;
  const weights = part.R * part.C;
  const { totalBytes } = matrixBytes(part.format, part.R, part.C);
  try {
    const intact = await gate.all(kept.runs, async ({ start, length, crc }, scratch) => {
      const into = target.whole ? { buffer: target.whole, at: start } : { buffer: scratch(length), at: 0 };
      const { file, fd } = kept;
      const answer = await packers.ask({ kind: 'read', file, fd, position: start, into, length });
      if (answer.crc !== crc) return false;
      await target.put(new Uint8Array(into.buffer, into.at, length), start);
      tools.onWeights((weights * length) / totalBytes);
      return true;
    });
    if (!intact.every(Boolean)) return false;
    return true;
  } finally {
    fs.closeSync(kept.fd);
  }
}

/** One matrix on its way out of the checkpoint. */
class MatrixPacker {
  #part: MatrixPart;
  #target: PartTarget;
  #tools: LoadingTools;
  #dtype: FloatDtype;
  #factors: SharedArrayBuffer;
  #writer: PackedWriter | undefined;
  #runs: PackedRun[] = [];

  constructor(part: MatrixPart, target: PartTarget, tools: LoadingTools) {
    const { info, format, R, C } = part;
    this.#part = part;
    this.#target = target;
    this.#tools = tools;
    // A coded tensor, or a view, is read here and handed over in float32.
    this.#dtype = info.coded || info.strides || !isFloatDtype(info.dtype) ? 'F32' : info.dtype;
    this.#factors = new SharedArrayBuffer(4 * R * matrixBytes(format, R, C).factorsPerRow);
  }

  async pack(key: PackedKey | undefined): Promise<void> {
    const { R, C, format } = this.#part;
    const { cache, keeps, gate, runBytes } = this.#tools;
    const { totalBytes } = matrixBytes(format, R, C);
    if (key && cache && keeps) this.#keep(() => (this.#writer = cache.writer(key)));
    try {
      await gate.all(rowRuns(format, this.#dtype, R, C, runBytes), (run, scratch) => this.#rows(run, scratch));
      await gate.all([null], (_, scratch) => this.#tail(scratch));
    } catch (error) {
      this.#writer?.abandon();
      throw error;
    }
    const writer = this.#writer;
    if (!writer || !key) return;
    this.#keep(() => writer.finish(key, this.#runs, totalBytes));
  }

  async #rows(run: RowRun, scratch: (bytes: number) => SharedArrayBuffer): Promise<void> {
    const { name, info, C, format, firstRow, R } = this.#part;
    const { rows, length, start } = run;
    const position = info.offset + (firstRow + run.firstRow) * C * DTYPE_BYTES[this.#dtype];
    const whole = !info.coded && !info.strides;
    const source =
      whole && info.source.fd !== undefined
        ? { fd: info.source.fd, position }
        : { values: sharedRows(info, firstRow + run.firstRow, rows, C) };
    const { factorsPerRow } = matrixBytes(format, R, C);
    await this.#ask(
      {
        kind: 'rows',
        tensor: name,
        file: info.file,
        source,
        dtype: this.#dtype,
        format,
        rows,
        C,
        factors: { buffer: this.#factors, at: 4 * run.firstRow * factorsPerRow },
      },
      { start, length, scratch },
    );
    this.#tools.onWeights(rows * C);
  }

  async #tail(scratch: (bytes: number) => SharedArrayBuffer): Promise<void> {
    const { format, R, C } = this.#part;
    if (format !== 'int8' && format !== 'nf4') return;
    const { valueBytes, totalBytes, factorsPerRow } = matrixBytes(format, R, C);
    await this.#ask(
      { kind: 'tail', format, factors: this.#factors, count: R * factorsPerRow },
      { start: valueBytes, length: totalBytes - valueBytes, scratch },
    );
  }

  async #ask(
    question: WithoutPlace<PackQuestion>,
    place: { start: number; length: number; scratch: (bytes: number) => SharedArrayBuffer },
  ): Promise<void> {
    const { start, length, scratch } = place;
    const { whole } = this.#target;
    const into = whole ? { buffer: whole, at: start } : { buffer: scratch(length), at: 0 };
    const writer = this.#writer;
    const keep = writer ? { fd: writer.fd, position: start } : undefined;
    const asked = { ...question, into, length, keep } as PackQuestion;
    const { crc, unkept } = await this.#tools.packers.ask(asked, writer?.hold());
    this.#runs.push({ start, length, crc });
    if (unkept !== undefined) this.#stopKeeping(unkept);
    await this.#target.put(new Uint8Array(into.buffer, into.at, length), start);
  }

  /** Where the cache takes nothing, the load goes on without it. */
  #keep(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#stopKeeping(codeOf(error));
    }
  }

  #stopKeeping(code: string): void {
    const tools = this.#tools;
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.abandon();
    if (!tools.keeps) return;
    tools.keeps = false;
    const why = code === 'ENOSPC' || code === 'EDQUOT' ? 'its disk is full' : `it cannot be written (${code})`;
    tools.note(
      `The packed base is not kept for the next time, since of ${tools.cache?.dir} ${why}; free some space or ` +
        'check the folder to load faster next time.',
    );
  }
}

type WithoutPlace<Q> = Q extends unknown ? Omit<Q, 'into' | 'length' | 'keep'> : never;

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}

function sharedRows(info: TensorInfo, firstRow: number, rows: number, C: number): SharedArrayBuffer {
  const values = new Float32Array(new SharedArrayBuffer(4 * rows * C));
  values.set(readRowsF32(info, firstRow, rows));
  return values.buffer;
}
