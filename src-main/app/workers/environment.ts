/** The environment of a worker process: its parent's, how its memory is to be allocated, and which card it takes. */
import { GPU_VARIABLE } from '../../../src-shared/backends.ts';

/**
 * glibc's allocator for buffers of megabytes that come and go at every layer. By default each of them is fresh memory,
 * whose thousands of page faults cost more than the arithmetic on it. Here: 2 MiB pages where the kernel grants them on
 * request (as Linux distributions are set up), freed buffers up to 32 MiB (glibc's largest) are used again, and the
 * heap is not given back in between. One arena for all threads: with one each, what one thread frees another cannot
 * use, and the peak of the same step differs by half from process to process. Read at the start of a process only;
 * other C libraries ignore it.
 */
export const GLIBC_TUNABLES = ['hugetlb=1', 'mmap_threshold=33554432', 'trim_threshold=4294967296', 'arena_max=1']
  .map((setting) => `glibc.malloc.${setting}`)
  .join(':');

/** What the user has set wins. `gpu`: the graphics card of the settings. */
export function workerEnvironment(gpu: string | null = null): NodeJS.ProcessEnv {
  return { GLIBC_TUNABLES, ...(gpu === null ? {} : { [GPU_VARIABLE]: gpu }), ...process.env };
}
