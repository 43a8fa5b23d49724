/** Graphs that libtensorflow is given as a SavedModel, which tfjs-node takes from a folder only. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TensorflowBackend } from './tfjsInternals.ts';

/** Threads that work on a graph's independent parts. */
export const GRAPH_THREADS = os.availableParallelism();

/** `bytes` of a SavedModel with this tag; the number to run it by (`runGraph`). It stays for as long as the process. */
export function loadGraph({ binding }: TensorflowBackend, bytes: Uint8Array, tag: string): number {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-graph-'));
  try {
    fs.writeFileSync(path.join(folder, 'saved_model.pb'), bytes);
    return binding.loadSavedModel(folder, tag);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
