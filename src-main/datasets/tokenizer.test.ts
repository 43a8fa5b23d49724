import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { GraftError } from '../../src-shared/errors.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { createTextStream } from './textStream.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { TextTokenizer } from './tokenizer.ts';

const GPT2 = 'data/gpt2_tokenizer';
const VECTORS = 'data/tokenizer_vectors';
const STORIES = 'data/stories260k';

const folders: string[] = [];
afterEach(() => {
  for (const dir of folders.splice(0)) fs.rmSync(dir, { recursive: true, force: true });
});

/** A copy of a tokenizer's JSON files with some of them changed. */
function variant(source: string, changes: Record<string, unknown>): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-tokenizer-'));
  folders.push(dir);
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    if (fs.existsSync(path.join(source, name)))
      fs.writeFileSync(path.join(dir, name), fs.readFileSync(path.join(source, name)));
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) fs.rmSync(path.join(dir, name));
    else fs.writeFileSync(path.join(dir, name), typeof value === 'string' ? value : JSON.stringify(value));
  }
  return dir;
}

function readJson<T>(relative: string): T {
  return JSON.parse(fs.readFileSync(sharedPath(relative), 'utf8')) as T;
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof GraftError) return error.code;
    throw error;
  }
  return undefined;
}

/** Streams ids one by one; no piece but the last may show a replacement character. */
function streamed(tokenizer: TextTokenizer, ids: number[], promptIds: number[] = []): string {
  const stream = createTextStream(tokenizer, promptIds);
  const pieces = ids.map((id) => stream.push(id));
  for (const piece of pieces) expect(piece).not.toContain('\uFFFD');
  return pieces.join('') + stream.end();
}

describe.skipIf(!hasShared(VECTORS) || !hasShared(GPT2))(`GPT-2 tokenizer${skipNote(VECTORS)}`, () => {
  const texts = () =>
    fs.readFileSync(sharedPath(`${VECTORS}/ggml-vocab-gpt-2.gguf.inp`), 'utf8').split('\n__ggml_vocab_test__\n');

  it('gives the ids of llama.cpp for its 47 texts, and the texts back', () => {
    const tokenizer = loadTokenizer(sharedPath(GPT2));
    const want = fs
      .readFileSync(sharedPath(`${VECTORS}/ggml-vocab-gpt-2.gguf.out`), 'utf8')
      .split('\n')
      .map((line) => (line.trim() === '' ? [] : line.trim().split(' ').map(Number)));
    expect(texts()).toHaveLength(47);
    texts().forEach((text, i) => {
      const ids = tokenizer.encode(text);
      expect(ids).toEqual(want[i]);
      expect(tokenizer.decode(ids)).toBe(text);
      expect(streamed(tokenizer, ids)).toBe(text);
    });
  });

  it('gives the ids of transformers for the multilingual texts, and streams them without broken characters', () => {
    const tokenizer = loadTokenizer(sharedPath(GPT2));
    const { inputs } = readJson<{ inputs: { id: string; text: string }[] }>(`${VECTORS}/inputs.json`);
    const { entries } = readJson<{ entries: Record<string, { input_ids: number[] }> }>(
      `${VECTORS}/openai-community__gpt2.json`,
    );
    expect(inputs).toHaveLength(30);
    for (const { id, text } of inputs) {
      expect(tokenizer.encode(text), id).toEqual(entries[id]!.input_ids);
      expect(streamed(tokenizer, entries[id]!.input_ids), id).toBe(text);
    }
  });

  it('frames nothing, and knows its special ids', () => {
    const tokenizer = loadTokenizer(sharedPath(GPT2));
    expect(tokenizer.encodePrompt('Hello')).toEqual([15496]);
    expect(tokenizer).toMatchObject({ bosId: 50256, eosId: 50256, eosIds: [50256], padId: 50256, vocabSize: 50257 });
    expect(tokenizer.decode([15496, 50256])).toBe('Hello');
    expect(tokenizer.decode([15496, 50256], { skipSpecialTokens: false })).toBe('Hello<|endoftext|>');
    expect(tokenizer.decode([])).toBe('');
  });

  it('holds back half an emoji, and shows it as broken only at the end', () => {
    const tokenizer = loadTokenizer(sharedPath(GPT2));
    const ids = tokenizer.encode('😀');
    expect(ids.length).toBeGreaterThan(1);
    const stream = createTextStream(tokenizer);
    expect(stream.push(ids[0]!)).toBe('');
    expect(stream.end()).toContain('\uFFFD');
  });
});

describe.skipIf(!hasShared(STORIES))(`SentencePiece-style tokenizer${skipNote(STORIES)}`, () => {
  const ids = () => readJson<{ ids_bos_first: number[] }>(`${STORIES}/reference_float64.json`).ids_bos_first;
  const text = () => fs.readFileSync(sharedPath(`${STORIES}/expected_greedy_upstream.txt`), 'utf8');

  it('reads and writes the 257 published ids', () => {
    const tokenizer = loadTokenizer(sharedPath(STORIES));
    expect(ids()).toHaveLength(257);
    expect(tokenizer.decode(ids())).toBe(text());
    expect(tokenizer.encode(text())).toEqual(ids());
    expect(streamed(tokenizer, ids())).toBe(text());
  });

  it('streams byte fallback whole, and keeps the space with which a prompt goes on', () => {
    const tokenizer = loadTokenizer(sharedPath(STORIES));
    const emoji = tokenizer.encode('a 😀 b é', { addSpecialTokens: false });
    expect(emoji.length).toBeGreaterThan(6);
    expect(streamed(tokenizer, emoji)).toBe('a 😀 b é');
    const cut = 40;
    const head = tokenizer.decode(ids().slice(0, cut));
    expect(head + streamed(tokenizer, ids().slice(cut), ids().slice(0, cut))).toBe(text());
    expect(streamed(tokenizer, [tokenizer.encode('Once')[1]!], [1])).toBe('Once');
  });

  it('puts exactly one BOS, wherever the model says so', () => {
    const source = sharedPath(STORIES);
    const json = readJson<Record<string, unknown>>(`${STORIES}/tokenizer.json`);
    const config = readJson<Record<string, unknown>>(`${STORIES}/tokenizer_config.json`);
    const first = (dir: string) => loadTokenizer(dir).encode('Once upon').slice(0, 2);
    expect(first(source)).toEqual([1, 403]);
    expect(first(variant(source, { 'tokenizer.json': { ...json, post_processor: null } }))).toEqual([1, 403]);
    expect(first(variant(source, { 'tokenizer_config.json': { ...config, add_bos_token: undefined } }))).toEqual([
      1, 403,
    ]);
    expect(first(variant(source, { 'tokenizer_config.json': { ...config, add_bos_token: false } }))).toEqual([
      403, 407,
    ]);
    const again = loadTokenizer(source).encode('<s>Once');
    expect(again.filter((id) => id === 1)).toHaveLength(1);
  });

  it('closes with EOS where asked, but never a prompt', () => {
    const config = readJson<Record<string, unknown>>(`${STORIES}/tokenizer_config.json`);
    const tokenizer = loadTokenizer(
      variant(sharedPath(STORIES), { 'tokenizer_config.json': { ...config, add_eos_token: true } }),
    );
    for (const text of ['Once', '<s>Once', 'Once</s>', '<s>Once</s>'])
      expect(tokenizer.encode(text), text).toEqual([1, 403, 2]);
    expect(tokenizer.encodePrompt('Once')).toEqual([1, 403]);
    expect(tokenizer.encode('Once', { addSpecialTokens: false })).toEqual([403]);
  });

  it('collects stop ids from generation_config.json and finds chat templates', () => {
    const source = sharedPath(STORIES);
    const several = loadTokenizer(variant(source, { 'generation_config.json': { eos_token_id: [2, 7] } }));
    expect(several).toMatchObject({ eosId: 2, eosIds: [2, 7] });
    const config = readJson<Record<string, unknown>>(`${STORIES}/tokenizer_config.json`);
    const templates = [
      { name: 'tool_use', template: 'T' },
      { name: 'default', template: 'D' },
    ];
    expect(
      loadTokenizer(variant(source, { 'tokenizer_config.json': { ...config, chat_template: templates } })).chatTemplate,
    ).toBe('D');
    expect(loadTokenizer(variant(source, { 'chat_template.jinja': 'J' })).chatTemplate).toBe('J');
    expect(loadTokenizer(source).chatTemplate).toBeUndefined();
  });

  it('refuses a folder without a usable tokenizer.json', () => {
    const source = sharedPath(STORIES);
    const missing = variant(source, { 'tokenizer.json': undefined });
    expect(codeOf(() => loadTokenizer(missing))).toBe('TOKENIZER_MISSING');
    expect(() => loadTokenizer(missing)).toThrow(`${missing} has no tokenizer.json`);
    expect(codeOf(() => loadTokenizer(variant(source, { 'tokenizer.json': '{"model":' })))).toBe('TOKENIZER_BROKEN');
    expect(codeOf(() => loadTokenizer(variant(source, { 'tokenizer.json': '{}' })))).toBe('TOKENIZER_BROKEN');
    expect(codeOf(() => loadTokenizer(variant(source, { 'tokenizer.json': { model: { type: 'Nonsense' } } })))).toBe(
      'TOKENIZER_BROKEN',
    );
  });
});
