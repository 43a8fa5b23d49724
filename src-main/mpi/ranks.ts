/** The processes that mpirun has started as one, as each of them sees the others. */
export interface Ranks {
  /** Of this process, from 0 on; and how many there are. */
  readonly rank: number;
  readonly size: number;
  /** Name of this process's machine. */
  readonly host: string;
  /** How many of the processes are on this machine, this one included. */
  readonly here: number;
  /** Each value becomes the sum over all processes, which all call it with as many values. Blocks until all have. */
  sum(values: Float32Array): void;
  /** The same in double precision. */
  sumDoubles(values: Float64Array): void;
  /** Fills `bytes`, as long everywhere, with those of process `from`. Blocks until they are there. */
  copy(bytes: Uint8Array, from?: number): void;
  /** Blocks until all have called it. */
  wait(): void;
  /** Ends every process at once, whatever it is doing. */
  abort(code: number): never;
  /** The last call of each process. Blocks until all have come to it. */
  finish(): void;
}
