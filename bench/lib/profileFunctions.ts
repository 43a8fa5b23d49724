/**
 * Time per JavaScript function by V8's sampling profiler, for work that is not made of kernels: reading, merging,
 * writing. A call into native code (hashing, reading a file) counts for the function that made it.
 */
import inspector from 'node:inspector/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Profile, ProfileRow } from './profile.ts';

const SAMPLE_US = 500;

/** Shares of all samples; the profiler itself takes a few percent. */
export async function profileFunctions(work: () => Promise<unknown>): Promise<Profile> {
  const session = new inspector.Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  await session.post('Profiler.start');
  const started = performance.now();
  await work();
  const wallMs = performance.now() - started;
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return { rows: rowsOf(profile), wallMs };
}

/** One row per function, longest first; V8's own entries (idle, garbage collector) stay. */
export function rowsOf({
  nodes,
  samples = [],
  timeDeltas = [],
}: Pick<inspector.Profiler.Profile, 'nodes' | 'samples' | 'timeDeltas'>): ProfileRow[] {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const rows = new Map<string, ProfileRow>();
  samples.forEach((id, i) => {
    const { name, detail } = places.get(id)!;
    const key = `${name} ${detail}`;
    const row = rows.get(key) ?? { name, detail, calls: null, selfMs: 0 };
    rows.set(key, { ...row, selfMs: row.selfMs + timeDeltas[i]! / 1000 });
  });
  return [...rows.values()].sort((a, b) => b.selfMs - a.selfMs);
}

function placeOf({ functionName, url, lineNumber }: inspector.Runtime.CallFrame): { name: string; detail: string } {
  const file = url.startsWith('file:') ? path.basename(fileURLToPath(url)) : url;
  return { name: functionName || '(anonymous)', detail: file ? `${file}:${lineNumber + 1}` : '' };
}
