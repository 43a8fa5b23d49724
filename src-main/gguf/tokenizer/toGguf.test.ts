/** Tokenizers as llama.cpp reads them from our metadata: the same ids as Graft's for 200 texts and more. */
import fs from 'node:fs';
import path from 'node:path';
import { gguf } from '@huggingface/gguf';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_LLAMA } from '../../../test-support/fixtures/tinyModel.ts';
import { writeSentencePiece } from '../../../test-support/fixtures/trainedTokenizers.ts';
import { vectorTexts } from '../../../test-support/fixtures/vectorTexts.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { differences, llamaTokenizer } from '../../../test-support/checks/llamaTokenizer.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import type { LlamacppModel } from '../../llamacpp/runtime.ts';
import { ggufTokenizer, type GgufTokenizer, type TokenizerOptions } from './toGguf.ts';

const STARTER = path.resolve(import.meta.dirname, '../../../resources/starter/model');
const GPT2 = 'data/gpt2_tokenizer';
const CONVERTED = 'data/tokenizer_vectors/ggml-vocab-gpt-2.gguf';
const STORIES = 'data/stories260k';

const BYTES = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
const ODD_SPLIT = { type: 'Split', pattern: { Regex: '\\d+x' }, behavior: 'Isolated', invert: false };
const METASPACE = { type: 'Metaspace', replacement: '▁', split: false };
const SPLIT_AT_SPACES = { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false };
const RUNS = ['▁', '\n'].flatMap((one) => Array.from({ length: 34 }, (_, i) => one.repeat(35 - i)));
const GEMMA_LIKE = [...RUNS, '<h1>', '<unused0>'].map((content) => ({ content }));

const opened: LlamacppModel[] = [];
afterEach(async () => {
  for (const model of opened.splice(0)) await model.dispose();
});

interface Judged extends GgufTokenizer {
  ours: TextTokenizer;
  theirs: LlamacppModel;
}

async function judged(dir: string, rows?: number, options?: TokenizerOptions): Promise<Judged> {
  const ours = loadTokenizer(dir);
  const made = ggufTokenizer(dir, { ...TINY_LLAMA, vocab_size: rows ?? ours.vocabSize }, options);
  const theirs = await llamaTokenizer(made.metadata);
  opened.push(theirs);
  return { ...made, ours, theirs };
}

const valueOf = ({ metadata }: GgufTokenizer, key: string): unknown => metadata.get(`tokenizer.ggml.${key}`)?.value;

describe('real tokenizers', () => {
  it('the starter model', async () => {
    const { metadata, notes, ours, theirs } = await judged(STARTER);
    const texts = vectorTexts(ours.controlTexts);
    expect(texts.length).toBeGreaterThanOrEqual(200);
    expect(differences(texts, ours, theirs)).toEqual([]);
    expect(notes).toEqual([]);
    expect(theirs.frame).toEqual({ before: [ours.bosId], after: [] });
    expect([...ours.eosIds].every((id) => theirs.isEnd(id))).toBe(true);
    expect(valueOf({ metadata, notes }, 'pre')).toBe('gpt-2');
  });

  it.skipIf(!hasShared(GPT2))(`GPT-2${skipNote(GPT2)}`, async () => {
    const { ours, theirs } = await judged(sharedPath(GPT2));
    expect(differences(vectorTexts(ours.controlTexts), ours, theirs)).toEqual([]);
    expect(theirs.frame).toEqual({ before: [], after: [] });
  });

  it.skipIf(!hasShared(GPT2) || !hasShared(CONVERTED))(`GPT-2 as llama.cpp converts it${skipNote(GPT2)}`, async () => {
    const made = ggufTokenizer(sharedPath(GPT2), { ...TINY_LLAMA, vocab_size: 50257 });
    const read = await gguf(sharedPath(CONVERTED), { allowLocalFile: true });
    const converted = read.metadata as Record<string, unknown>;
    const plain = (value: unknown): unknown => (ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value);
    for (const key of ['model', 'pre', 'tokens', 'token_type', 'merges', 'bos_token_id', 'eos_token_id'])
      expect(plain(valueOf(made, key)), key).toEqual(plain(converted[`tokenizer.ggml.${key}`]));
  });

  it.skipIf(!hasShared(STORIES))(`stories260K, in SentencePiece's form${skipNote(STORIES)}`, async () => {
    const made = await judged(sharedPath(STORIES));
    const { ours, theirs } = made;
    expect(differences(vectorTexts(ours.controlTexts), ours, theirs)).toEqual([]);
    expect(theirs.frame).toEqual({ before: [1], after: [] });
    expect(valueOf(made, 'model')).toBe('llama');
    const types = Array.from(valueOf(made, 'token_type') as Int32Array);
    expect([types.slice(0, 4), types.slice(258, 260)]).toEqual([
      [2, 3, 3, 6],
      [6, 1],
    ]);
  });

  const real = process.env['GRAFT_TOKENIZERS'];
  const names =
    real === undefined
      ? ['skipped, set GRAFT_TOKENIZERS to a folder with a folder for each']
      : fs.readdirSync(real).filter((name) => isTokenizer(path.join(real, name)));
  it.skipIf(real === undefined)(
    `published ones: ${names.join(', ')}`,
    async () => {
      for (const name of names) {
        const { ours, theirs, notes } = await judged(path.join(real!, name));
        const different = differences(vectorTexts(ours.controlTexts), ours, theirs);
        expect(
          different.filter(({ text }) => !isNoted(text, notes)),
          name,
        ).toEqual([]);
        expect(
          [...ours.eosIds].every((id) => theirs.isEnd(id)),
          name,
        ).toBe(true);
      }
    },
    600_000,
  );
});

const isTokenizer = (dir: string): boolean => fs.existsSync(path.join(dir, 'tokenizer.json'));

/** Whether one of the notes says that llama.cpp reads the text in another way. */
function isNoted(text: string, notes: readonly string[]): boolean {
  const says = (word: string): boolean => notes.some((note) => note.includes(word));
  return (
    (says('NFC') && text.normalize('NFC') !== text) ||
    (says('combining marks') && /\p{M}/u.test(text)) ||
    (says('▁') && text.includes('▁')) ||
    (says('begins with one') && /^[ ▁]|(<\/s>|<unk>)[ ▁]/.test(text)) ||
    (says('zero byte') && text.includes('\0'))
  );
}

describe("tokenizers in SentencePiece's form", () => {
  const texts = vectorTexts(['</s>', '<unk>']);
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };

  it.each([
    ['as Llama 2 writes it', {}, [], true],
    ['as Gemma writes it', { normalizer: replace, pre_tokenizer: SPLIT_AT_SPACES }, GEMMA_LIKE, false],
    ['with Metaspace', { normalizer: null, pre_tokenizer: { ...METASPACE, prepend_scheme: 'always' } }, [], true],
    [
      'with Metaspace, no prefix',
      { normalizer: null, pre_tokenizer: { ...METASPACE, prepend_scheme: 'never' } },
      [],
      false,
    ],
  ])('%s', async (_, parts, added, prefix) => {
    const made = await judged(writeSentencePiece(texts, parts, added));
    const { ours, theirs, notes } = made;
    expect(valueOf(made, 'add_space_prefix')).toBe(prefix);
    expect(differences(texts, ours, theirs).filter(({ text }) => !isNoted(text, notes))).toEqual([]);
  });

  it('a prefix for the first text alone is noted, and differs behind control tokens only', async () => {
    const parts = { normalizer: null, pre_tokenizer: { ...METASPACE, prepend_scheme: 'first' } };
    const { ours, theirs, notes } = await judged(writeSentencePiece(texts, parts));
    expect(notes).toContainEqual(expect.stringContaining('or that follows a control token'));
    const different = differences(texts, ours, theirs);
    expect(different.length).toBeGreaterThan(0);
    expect(different.filter(({ text }) => !/<\/s>|<unk>/.test(text) && !isNoted(text, notes))).toEqual([]);
    expect(different.some(({ text }) => !isNoted(text, notes))).toBe(true);
  });
});

describe('special tokens', () => {
  const texts = vectorTexts([]);

  it('rows of the embedding without a token are unused', async () => {
    const made = await judged(STARTER, 650);
    const tokens = valueOf(made, 'tokens') as string[];
    expect(tokens.slice(-8)).toEqual(
      [643, 644, 645, 646, 647, 648, 649].map((id) => `[PAD${id}]`).toSpliced(0, 0, tokens[642]!),
    );
    expect(Array.from(valueOf(made, 'token_type') as Int32Array).slice(-7)).toEqual(Array(7).fill(5));
    expect(differences(texts, made.ours, made.theirs)).toEqual([]);
  });

  it('a token without a row is left out, and noted', () => {
    const { notes } = ggufTokenizer(STARTER, { ...TINY_LLAMA, vocab_size: 642 });
    expect(notes).toEqual([expect.stringMatching(/^Tokens without a row in the embedding are left out: .+\.$/)]);
  });

  it('what an adapter was taught to end with ends a generation', async () => {
    const end = loadTokenizer(STARTER).encode('x', { addSpecialTokens: false })[0]!;
    const plain = await judged(STARTER);
    expect(plain.theirs.isEnd(end)).toBe(false);
    const { theirs, ours } = await judged(STARTER, undefined, { endIds: [end] });
    expect([end, ours.eosId!].map((id) => theirs.isEnd(id))).toEqual([true, true]);
  });

  it('four ends are more than a file names', () => {
    const { notes } = ggufTokenizer(STARTER, { ...TINY_LLAMA, vocab_size: 643 }, { endIds: [50, 51, 52] });
    expect(notes).toEqual([expect.stringContaining('names three tokens that end an answer')]);
  });

  it('the chat template is taken along', () => {
    const dir = changed(STARTER, 'tokenizer_config.json', (config) => ({ ...config, chat_template: '{{ messages }}' }));
    const { metadata } = ggufTokenizer(dir, { ...TINY_LLAMA, vocab_size: 643 });
    expect(metadata.get('tokenizer.chat_template')?.value).toBe('{{ messages }}');
  });

  it('EOS after every text, and no BOS', async () => {
    const dir = changed(STARTER, 'tokenizer_config.json', (config) => ({
      ...config,
      add_bos_token: false,
      add_eos_token: true,
    }));
    const { theirs } = await judged(dir);
    expect(theirs.frame).toEqual({ before: [], after: [1] });
  });
});

describe('refused in one sentence', () => {
  it.each([
    [
      'an unknown splitting',
      { pre_tokenizer: { type: 'Sequence', pretokenizers: [ODD_SPLIT, BYTES] } },
      'splits texts by "\\\\d+x"',
    ],
    [
      'a space before each text',
      { pre_tokenizer: { ...BYTES, add_prefix_space: true } },
      'puts a space before every text',
    ],
    ['a normaliser', { normalizer: { type: 'Lowercase' } }, 'changes texts by a Lowercase'],
    [
      'a Unigram model',
      { decoder: null, pre_tokenizer: METASPACE, model: { type: 'Unigram', vocab: [['a', 0]] } },
      'Unigram',
    ],
    ['no bytes', { decoder: null, pre_tokenizer: METASPACE }, 'no token for each byte'],
  ])('%s', (_, parts, words) => {
    const dir = changed(STARTER, 'tokenizer.json', (tokenizer) => ({ ...tokenizer, ...parts }));
    expect(() => ggufTokenizer(dir, { ...TINY_LLAMA, vocab_size: 643 })).toThrow(
      expect.objectContaining({ code: 'GGUF_TOKENIZER', message: expect.stringContaining(words) as string }),
    );
  });
});

/** A copy of a tokenizer's folder with one of its files changed. */
function changed(source: string, name: string, change: (json: Record<string, unknown>) => object): string {
  const dir = temporaryFolder();
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json'])
    fs.copyFileSync(path.join(source, file), path.join(dir, file));
  const target = path.join(dir, name);
  fs.writeFileSync(
    target,
    JSON.stringify(change(JSON.parse(fs.readFileSync(target, 'utf8')) as Record<string, unknown>)),
  );
  return dir;
}
