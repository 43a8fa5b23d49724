/** Which MPI a process belongs to. */
import { expect, it } from 'vitest';
import { joinRanks } from './join.ts';
import { LIBRARY_VARIABLE, mpiStart, openLibrary } from './library.ts';

it('tells from what mpirun has set', () => {
  expect(mpiStart({})).toBeNull();
  expect(mpiStart({ OMPI_COMM_WORLD_SIZE: '4' })).toMatchObject({ kind: 'Open MPI', size: 4 });
  expect(mpiStart({ PMI_RANK: '0', PMI_SIZE: '2' })).toMatchObject({ kind: 'MPICH', size: 2 });
  expect(mpiStart({ PMIX_RANK: '0' })).toMatchObject({ kind: 'Open MPI', size: null });
  const named = { PMI_RANK: '0', PMI_SIZE: '2', [LIBRARY_VARIABLE]: '/opt/mpi/libmpi.so' };
  expect(mpiStart(named)).toEqual({ kind: 'MPICH', size: 2, files: ['/opt/mpi/libmpi.so'] });
});

it('a process alone joins nobody, and opens no library', async () => {
  expect(await joinRanks({})).toBeNull();
  expect(await joinRanks({ OMPI_COMM_WORLD_SIZE: '1', [LIBRARY_VARIABLE]: '/nowhere' })).toBeNull();
});

it('a library that is not there is named, with the way out', async () => {
  const lost = { PMI_RANK: '0', PMI_SIZE: '2', [LIBRARY_VARIABLE]: '/nowhere/libmpi.so' };
  await expect(joinRanks(lost)).rejects.toMatchObject({
    code: 'MPI_NOT_FOUND',
    message:
      'MPICH has started this process, but its library (/nowhere/libmpi.so) cannot be opened; install it on this ' +
      'machine, or name its file in GRAFT_MPI_LIBRARY.',
  });
});

it('takes the first file that can be opened', () => {
  const load = (file: string): string => {
    if (file === 'a') throw new Error('no a');
    return file;
  };
  expect(openLibrary({ kind: 'MPICH', files: ['a', 'b', 'c'] }, load)).toBe('b');
});
