/**
 * Reads the tokenizer's files of a model folder: tokenizer.json is required; tokenizer_config.json,
 * special_tokens_map.json, chat_template.jinja, generation_config.json and config.json complete it.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { parseJson } from '../files/parseJson.ts';

/** The largest in use, of a quarter of a million tokens, have 35 MB. */
const TOKENIZER_BYTES = 256 << 20;
const TEMPLATE_BYTES = 1 << 20;

export type JsonObject = Record<string, unknown>;

export interface TokenizerFiles {
  /** tokenizer.json, complete with the keys that the library insists on. */
  tokenizer: JsonObject;
  config: JsonObject;
  /** Text of a special token by role (`bos_token`, `eos_token`, `pad_token`, `unk_token`). */
  special: (role: string) => string | undefined;
  /** Ids that config.json and generation_config.json name for a role (`bos_token_id`, `eos_token_id`, ...). */
  configuredIds: (key: string) => number[];
  chatTemplate: string | undefined;
}

const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'generation_config.json',
  'config.json',
];

/** Sha-256 of all that readTokenizerFiles reads. */
export function tokenizerHash(dir: string): string {
  const hash = createHash('sha256');
  for (const name of FILES) {
    const file = path.join(dir, name);
    const bytes = fs.existsSync(file) ? fs.readFileSync(file) : undefined;
    hash.update(`${name} ${bytes?.length ?? 'none'}\n`);
    if (bytes) hash.update(bytes);
  }
  return hash.digest('hex');
}

/** Throws GraftError TOKENIZER_MISSING or TOKENIZER_BROKEN, naming the file. */
export function readTokenizerFiles(dir: string): TokenizerFiles {
  const tokenizer = readJson(dir, 'tokenizer.json');
  if (!tokenizer) {
    throw new GraftError(
      'TOKENIZER_MISSING',
      `${dir} has no tokenizer.json; download this file with the checkpoint, or convert its tokenizer to the ` +
        'fast format, and put it into the folder.',
      { dir, file: 'tokenizer.json' },
    );
  }
  if (!isObject(tokenizer['model'])) throw broken(dir, 'tokenizer.json', 'it has no "model" part');
  const config = readJson(dir, 'tokenizer_config.json') ?? {};
  const map = readJson(dir, 'special_tokens_map.json') ?? {};
  const modelConfigs = [readJson(dir, 'generation_config.json') ?? {}, readJson(dir, 'config.json') ?? {}];
  return {
    tokenizer: complete(tokenizer, config),
    config,
    special: (role) => tokenText(config[role]) ?? tokenText(map[role]),
    configuredIds: (key) => [...new Set(modelConfigs.flatMap((c) => idList(c[key])))],
    chatTemplate: chatTemplateOf(dir, config),
  };
}

/** Whether the model in `dir` says how conversations are written. Throws TOKENIZER_BROKEN. */
export function hasChatTemplate(dir: string): boolean {
  return chatTemplateIn(dir) !== undefined;
}

/** How the model in `dir` writes conversations, without reading its tokenizer. Throws TOKENIZER_BROKEN. */
export function chatTemplateIn(dir: string): string | undefined {
  return chatTemplateOf(dir, readJson(dir, 'tokenizer_config.json') ?? {});
}

export interface LastToken {
  id: number;
  text: string;
}

/** The token with the largest id; undefined without a tokenizer.json. Throws TOKENIZER_BROKEN. */
export function lastToken(dir: string): LastToken | undefined {
  const tokenizer = readJson(dir, 'tokenizer.json');
  if (!tokenizer) return undefined;
  const { added_tokens: added } = complete(tokenizer, readJson(dir, 'tokenizer_config.json') ?? {});
  const model = isObject(tokenizer['model']) ? tokenizer['model'] : {};
  let last: LastToken | undefined;
  const see = (text: unknown, id: unknown): void => {
    if (typeof id === 'number' && id >= (last?.id ?? 0)) last = { id, text: String(text) };
  };
  if (isObject(model['vocab'])) for (const text in model['vocab']) see(text, model['vocab'][text]);
  else if (Array.isArray(model['vocab']))
    model['vocab'].forEach((entry, id) => see(Array.isArray(entry) && entry[0], id));
  for (const token of added as unknown[]) if (isObject(token)) see(token['content'], token['id']);
  return last;
}

function complete(tokenizer: JsonObject, config: JsonObject): JsonObject {
  const added = Array.isArray(tokenizer['added_tokens']) ? [...(tokenizer['added_tokens'] as unknown[])] : [];
  const known = new Set(added.map((token) => (isObject(token) ? token['id'] : undefined)));
  // Tokens that were added after tokenizer.json was written live in tokenizer_config.json only.
  if (isObject(config['added_tokens_decoder'])) {
    for (const [id, token] of Object.entries(config['added_tokens_decoder'])) {
      if (isObject(token) && !known.has(Number(id))) added.push({ ...token, id: Number(id) });
    }
  }
  return {
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...tokenizer,
    added_tokens: added,
  };
}

function chatTemplateOf(dir: string, config: JsonObject): string | undefined {
  const file = path.join(dir, 'chat_template.jinja');
  if (fs.existsSync(file)) return readForeignText(file, TEMPLATE_BYTES);
  const template = config['chat_template'];
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const named = template.filter(isObject);
  const chosen = named.find((entry) => entry['name'] === 'default') ?? named[0];
  return typeof chosen?.['template'] === 'string' ? chosen['template'] : undefined;
}

function readJson(dir: string, name: string): JsonObject | undefined {
  const file = path.join(dir, name);
  let text: string;
  try {
    text = readForeignText(file, name === 'tokenizer.json' ? TOKENIZER_BYTES : undefined);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
  const json = parseJson(text);
  if ('problem' in json) throw broken(dir, name, `it ${json.problem}`);
  if (!isObject(json.value)) throw broken(dir, name, 'it is not a JSON object');
  return json.value;
}

export function broken(dir: string, name: string, why: string, cause?: unknown): GraftError {
  return new GraftError(
    'TOKENIZER_BROKEN',
    `${path.join(dir, name)} cannot be used: ${why}; download the file again.`,
    { dir, file: name },
    { cause },
  );
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value['content'] === 'string' ? value['content'] : undefined;
}

function idList(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).filter((id): id is number => Number.isInteger(id));
}
