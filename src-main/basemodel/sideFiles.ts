/**
 * What a Hugging Face folder of a causal model holds besides its weights, by the names that transformers, llama.cpp and
 * vLLM know. An export takes these along and leaves all else behind: weights in other formats, logs, notes, caches.
 */
import fs from 'node:fs';
import path from 'node:path';
import { GGUF_POINTER } from '../gguf/pointer.ts';
import { isTorchWeights } from './weightFiles.ts';

/** At the top of a folder. */
const PARTS = [
  /^(config|generation_config|quantize_config)\.json$/,
  /^(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|normalizer)\.json$/,
  /^(vocab|merges|bpe)\.(txt|bpe|json|codes)$/,
  /^(.*\.tiktoken|tekken\.json|.*(sentencepiece|spiece|spm|tokenizer|bpe)[^/]*\.model(\.v\d+)?)$/i,
  /^(preprocessor_config|processor_config|video_preprocessor_config)\.json$/,
  /^(configuration|modeling|tokenization|generation|processing)_\w+\.py$/,
  /^(README|MODEL_CARD|LICEN[CS]E|NOTICE|COPYING|USE_POLICY|USAGE_POLICY|CITATION|THIRD.?PARTY)([-_. ].*)?$/i,
];
/** At the top, or one folder below: additional_chat_templates and the like. */
const TEMPLATE = /\.jinja2?$/i;
/** Weights that an export writes itself, with their index; PyTorch's count where there are no others. */
const OWN_WEIGHTS = /^model([-.].*)?\.safetensors(\.index\.json)?$/;

/** Written beside a merged model, about that very folder. */
export const CERTIFICATE_FILE = 'parity.json';
/** A chat template, which goes before that of tokenizer_config.json. */
export const CHAT_TEMPLATE = 'chat_template.jinja';

export interface SideFile {
  /** Relative to the folder. */
  name: string;
  sizeBytes: number;
}

/** The small files of a folder that belong to its model. */
export function sideFilesOf(folder: string): SideFile[] {
  return entriesOf(folder).flatMap(({ name, stat }): SideFile[] => {
    if (stat.isFile()) return isPart(name) || TEMPLATE.test(name) ? [{ name, sizeBytes: stat.size }] : [];
    if (!stat.isDirectory()) return [];
    return entriesOf(path.join(folder, name)).flatMap((inner) =>
      inner.stat.isFile() && TEMPLATE.test(inner.name)
        ? [{ name: path.join(name, inner.name), sizeBytes: inner.stat.size }]
        : [],
    );
  });
}

/** Names at the top of a folder that an export of its model leaves behind, folders with a slash; hidden ones aside. */
export function leftBehindOf(folder: string): string[] {
  const taken = new Set(sideFilesOf(folder).map(({ name }) => name.split(path.sep)[0]));
  const entries = entriesOf(folder);
  const hasOwn = entries.some(({ name }) => OWN_WEIGHTS.test(name));
  const isWeights = (name: string): boolean => (hasOwn ? OWN_WEIGHTS.test(name) : isTorchWeights(name));
  const isOwn = (name: string): boolean => isWeights(name) || name === CERTIFICATE_FILE || name === GGUF_POINTER;
  return entries
    .filter(({ name }) => !taken.has(name) && !isOwn(name))
    .map(({ name, stat }) => (stat.isDirectory() ? `${name}/` : name))
    .sort();
}

function isPart(name: string): boolean {
  return PARTS.some((pattern) => pattern.test(name));
}

function entriesOf(folder: string): { name: string; stat: fs.Stats }[] {
  return fs.readdirSync(folder).flatMap((name) => {
    // statSync follows links: the hub's cache keeps every file as a link.
    const stat = fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
    return stat && !name.startsWith('.') ? [{ name, stat }] : [];
  });
}

/** Copies the small files of `from` into the existing folder `to`; folders without such files are left out. */
export function copySideFiles(from: string, to: string): void {
  for (const { name } of sideFilesOf(from)) {
    const target = path.join(to, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    // Not copyFile, which would also copy a read-only mode.
    fs.writeFileSync(target, fs.readFileSync(path.join(from, name)));
  }
}
