/** A profile as lines for the terminal. */
import type { KernelProfile } from './profile.ts';

/** Rows that are shown; the rest takes next to nothing. */
const SHOWN = 40;

export function profileText(what: string, { rows, wallMs }: KernelProfile): string {
  const inKernels = rows.reduce((sum, { selfMs }) => sum + selfMs, 0);
  const lines = rows.slice(0, SHOWN).map(({ kernel, shapes, calls, selfMs }) => {
    const share = ((100 * selfMs) / wallMs).toFixed(1);
    return `${selfMs.toFixed(1).padStart(8)}  ${share.padStart(4)}%  ${String(calls).padStart(5)}  ${kernel}  ${shapes}`;
  });
  return [`${what}: ${wallMs.toFixed(0)} ms, of which ${inKernels.toFixed(0)} ms in kernels`, '      ms  share  calls  kernel  input shapes', ...lines].join('\n');
}
