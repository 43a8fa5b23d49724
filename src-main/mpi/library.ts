/** Which MPI has started this process, and the library that it must therefore speak through. */
import { GraftError } from '../../src-shared/errors.ts';

/** The two interfaces in use: that of Open MPI, and the one that MPICH, Intel MPI, MVAPICH and Cray share. */
type MpiKind = 'Open MPI' | 'MPICH';

/** Names the library's file where it is none of those below. */
export const LIBRARY_VARIABLE = 'GRAFT_MPI_LIBRARY';

/** As the system's loader finds them: Debian's names first. */
const FILES: Record<MpiKind, string[]> = {
  'Open MPI': ['libmpi.so.40', 'libmpi.so', 'libmpi.40.dylib'],
  MPICH: ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib'],
};

export interface MpiStart {
  kind: MpiKind;
  /** As the starter says; null: only the library itself knows. */
  size: number | null;
  /** Files to try, in this order. */
  files: string[];
}

/** Null where no mpirun has started this process. */
export function mpiStart(env: NodeJS.ProcessEnv = process.env): MpiStart | null {
  const named = env[LIBRARY_VARIABLE];
  const files = (kind: MpiKind): string[] => (named ? [named] : FILES[kind]);
  const told = (kind: MpiKind, size?: string): MpiStart => ({
    kind,
    size: Number(size) >= 1 ? Number(size) : null,
    files: files(kind),
  });
  if (env['OMPI_COMM_WORLD_SIZE']) return told('Open MPI', env['OMPI_COMM_WORLD_SIZE']);
  if (env['PMI_RANK']) return told('MPICH', env['PMI_SIZE']);
  // srun --mpi=pmix says no more.
  return env['PMIX_RANK'] ? told('Open MPI') : null;
}

/** The first of the files that `load` can open. Throws MPI_NOT_FOUND. */
export function openLibrary<T>({ kind, files }: Pick<MpiStart, 'kind' | 'files'>, load: (file: string) => T): T {
  const reasons: string[] = [];
  for (const file of files)
    try {
      return load(file);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  throw new GraftError(
    'MPI_NOT_FOUND',
    `${kind} has started this process, but its library (${files.join(', ')}) cannot be opened; install it on this ` +
      `machine, or name its file in ${LIBRARY_VARIABLE}.`,
    { files, reasons },
  );
}
