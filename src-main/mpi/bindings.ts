/** MPI's functions, called through koffi; the one place that knows what MPI's handles are. */
import { createHash } from 'node:crypto';
import os from 'node:os';
import type { LibraryHandle } from 'koffi';
import { GraftError } from '../../src-shared/errors.ts';
import { openLibrary, type MpiStart } from './library.ts';
import type { Ranks } from './ranks.ts';

/** A handle is the address of a variable of Open MPI, a number of MPICH. */
type Handle = bigint | number;

interface Handles {
  /** As C names the type. */
  type: 'uintptr_t' | 'int';
  world: Handle;
  float: Handle;
  double: Handle;
  byte: Handle;
  sum: Handle;
  inPlace: number;
}

/** Of mpi.h of MPICH's ABI, which its relatives keep to. */
const MPICH: Handles = {
  type: 'int',
  world: 0x44000000,
  float: 0x4c00040a,
  double: 0x4c00080b,
  byte: 0x4c00010d,
  sum: 0x58000003,
  inPlace: -1,
};

/** Computing threads may run beside, but only this one calls MPI. */
const THREAD_FUNNELED = 1;

/** Counts are C's int: longer arrays go in parts. */
const MOST_AT_ONCE = 1 << 28;

/** Joins the processes that `start` tells of. Throws MPI_NOT_FOUND, MPI_FAILED. */
export async function openRanks(start: MpiStart): Promise<Ranks> {
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw new GraftError(
      'MPI_NOT_FOUND',
      'Training over MPI calls its library through koffi, which is not installed for this platform; install it (npm ' +
        'install koffi), or start Graft without mpirun.',
      {},
      { cause },
    );
  });
  const library = openLibrary(start, (file) => koffi.load(file, { lazy: true, global: true }));
  const addressOf = (name: string): bigint => koffi.address(library.symbol(name));
  const handles = start.kind === 'MPICH' ? MPICH : openMpiHandles(addressOf);
  return joined(library, handles);
}

function openMpiHandles(addressOf: (name: string) => bigint): Handles {
  return {
    type: 'uintptr_t',
    world: addressOf('ompi_mpi_comm_world'),
    float: addressOf('ompi_mpi_float'),
    double: addressOf('ompi_mpi_double'),
    byte: addressOf('ompi_mpi_byte'),
    sum: addressOf('ompi_mpi_op_sum'),
    inPlace: 1,
  };
}

function joined(library: LibraryHandle, { type, world, float, double, byte, sum, inPlace }: Handles): Ranks {
  const call = (name: string, parameters: string): ((...values: unknown[]) => void) => {
    const func = library.func(`int MPI_${name}(${parameters})`);
    return (...values) => {
      const code: unknown = func(...values);
      if (code !== 0) throw failed(`MPI_${name}`, Number(code));
    };
  };
  const number = (name: string): number => {
    const found: [number] = [0];
    call(name, `${type}, _Out_ int *`)(world, found);
    return found[0];
  };
  const allreduce = call('Allreduce', `intptr_t, void *, int, ${type}, ${type}, ${type}`);
  const broadcast = call('Bcast', `void *, int, ${type}, int, ${type}`);
  const barrier = call('Barrier', type);
  const abort = call('Abort', `${type}, int`);
  const finalize = call('Finalize', '');

  call('Init_thread', 'void *, void *, int, _Out_ int *')(null, null, THREAD_FUNNELED, [0]);
  const [rank, size, host] = [number('Comm_rank'), number('Comm_size'), os.hostname()];
  const sumDoubles = (values: Float64Array): void =>
    inParts(values, (part) => allreduce(inPlace, part, part.length, double, sum, world));
  const hosts = new Float64Array(size);
  hosts[rank] = createHash('sha256').update(host).digest().readUIntBE(0, 6);
  sumDoubles(hosts);
  return {
    rank,
    size,
    host,
    here: hosts.filter((other) => other === hosts[rank]).length,
    sum: (values) => inParts(values, (part) => allreduce(inPlace, part, part.length, float, sum, world)),
    sumDoubles,
    copy: (bytes, from = 0) => inParts(bytes, (part) => broadcast(part, part.length, byte, from, world)),
    wait: () => barrier(world),
    abort: (code) => {
      abort(world, code);
      process.exit(code); // MPI has ended this process before
    },
    finish: () => finalize(),
  };
}

function inParts<T extends Float32Array | Float64Array | Uint8Array>(values: T, each: (part: T) => void): void {
  for (let start = 0; start < values.length; start += MOST_AT_ONCE)
    each(values.subarray(start, start + MOST_AT_ONCE) as T);
}

function failed(what: string, code: number): GraftError {
  return new GraftError(
    'MPI_FAILED',
    `${what} failed with code ${code}; look at what mpirun wrote, and start the run again on its last checkpoint.`,
    { what, code },
  );
}
