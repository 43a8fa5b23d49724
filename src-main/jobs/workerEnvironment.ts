/** The environment of a worker process: its parent's, and how its memory is to be allocated. */

/**
 * glibc's allocator for buffers of megabytes that come and go at every layer. By default each of them is fresh memory,
 * whose thousands of page faults cost more than the arithmetic on it. Here: 2 MiB pages where the kernel grants them on
 * request (as Linux distributions are set up), freed buffers up to 32 MiB (glibc's largest) are used again, and the heap
 * is not given back in between. Read at the start of a process only; other C libraries ignore it.
 */
const GLIBC_TUNABLES = ['glibc.malloc.hugetlb=1', 'glibc.malloc.mmap_threshold=33554432', 'glibc.malloc.trim_threshold=4294967296'].join(':');

/** What the user has set wins. */
export function workerEnvironment(): NodeJS.ProcessEnv {
  return { GLIBC_TUNABLES, ...process.env };
}
