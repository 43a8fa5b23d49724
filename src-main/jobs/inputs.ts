/** What a job reads and several jobs may share: its base, its data, the adapter that it begins with. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { usageError } from '../../src-shared/errors.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import { fileSha256 } from '../files/sha256.ts';
import { GGUF_POINTER } from '../gguf/pointer.ts';
import { WORK } from './layout.ts';

export interface Input {
  /** Its folder among the others of its kind. */
  kind: (typeof WORK)['bases' | 'data' | 'adapters'];
  /** Identity of what it holds (hex). */
  hash: string;
  /** Folder on this machine. */
  dir: string;
  /** Files below it, each with the name that it gets. */
  files: { from: string; name: string }[];
}

/** Of the kinds that a job may read, those that this one does. Throws what is wrong with a base that cannot be sent. */
export function inputsOf(spec: RunSpec): { base: Input; data: Input; start?: Input } {
  const { model, data, startsFrom } = spec;
  const base = baseFiles(model.dir);
  return {
    base: { kind: WORK.bases, hash: baseKey(model, base), dir: model.dir, files: base },
    data: {
      kind: WORK.data,
      hash: data.hash ?? fileSha256(data.file),
      dir: path.dirname(data.file),
      // Without the user's own name, which may hold anything; readers go by the content, and by how a name ends.
      files: [{ from: path.basename(data.file), name: `rows${plainEnding(data.file)}` }],
    },
    ...(startsFrom
      ? { start: { kind: WORK.adapters, hash: startsFrom.sha256, dir: startsFrom.dir, files: filesIn(startsFrom.dir) } }
      : {}),
  };
}

/** Two bases may have the same weights and another tokenizer or another template. */
function baseKey({ dir, hash }: RunSpec['model'], files: Input['files']): string {
  const small = createHash('sha256');
  for (const { from, name } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    if (!name.endsWith('.safetensors')) small.update(`${name} ${fileSha256(path.join(dir, from))}\n`);
  return `${hash}-${small.digest('hex').slice(0, 16)}`;
}

/** All that lies right in the folder; loaders take what they know. */
function baseFiles(dir: string): Input['files'] {
  if (fs.existsSync(path.join(dir, GGUF_POINTER)))
    throw usageError(
      'JOB_BASE_GGUF',
      `The base in ${dir} stands for a GGUF file, which cannot be sent to another machine; add the model's Hugging ` +
        'Face folder, and train on that.',
      { dir },
    );
  return filesIn(dir).filter(({ name }) => !/\.(gguf|onnx|pth|msgpack|h5)$/i.test(name));
}

function filesIn(dir: string): Input['files'] {
  return fs
    .readdirSync(dir)
    .filter((name) => fs.statSync(path.join(dir, name), { throwIfNoEntry: false })?.isFile())
    .map((name) => ({ from: name, name }));
}

function plainEnding(file: string): string {
  const ending = /(\.[a-z0-9]{1,8}){1,2}$/i.exec(path.basename(file))?.[0] ?? '';
  return ending.toLowerCase();
}
