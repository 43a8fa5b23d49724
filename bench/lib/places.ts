/**
 * Where the bench keeps and finds its files. The bundle for GPU machines (scripts/pack-gpu.mjs) puts every chunk into
 * bench/lib, and the peers as .js into bench/peers, so that these places hold there too.
 */
import path from 'node:path';

const bench = path.join(import.meta.dirname, '..');

export const REPOSITORY = path.join(bench, '..');
export const RESULTS = path.join(bench, 'results');
export const DOCS = path.join(REPOSITORY, 'docs');
export const GRAFT_PEER = path.join(bench, 'peers', `graft${path.extname(import.meta.filename)}`);
export const TORCH_PEER = path.join(bench, 'peers', 'torch_lora.py');
