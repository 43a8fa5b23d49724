/** Tokenizers out of GGUF files: the ids that llama.cpp itself gives on the same file, and its published vectors. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_LLAMA } from '../../../test-support/fixtures/tinyModel.ts';
import { writeByteLevel, writeSentencePiece } from '../../../test-support/fixtures/trainedTokenizers.ts';
import { vectorTexts } from '../../../test-support/fixtures/vectorTexts.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { differences, writeVocabulary } from '../../../test-support/checks/llamaTokenizer.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import { MARK } from '../../datasets/textMarks.ts';
import { openTokenizer, type LlamacppModel } from '../../llamacpp/runtime.ts';
import { bool, numbers, string, strings, uint32, type GgufMetadata, type GgufValue } from '../header.ts';
import { openGguf } from '../read.ts';
import { tokenizerFromGguf } from './fromGguf.ts';
import { ggufTokenizer } from './toGguf.ts';

const STARTER = path.resolve(import.meta.dirname, '../../../resources/starter/model');
const STORIES = 'data/stories260k';
const GPT2 = 'data/tokenizer_vectors/ggml-vocab-gpt-2.gguf';

const opened: LlamacppModel[] = [];
afterEach(async () => {
  for (const model of opened.splice(0)) await model.dispose();
});

/** The tokenizer of a GGUF file as Graft reads it, through the files of a folder as everywhere. */
function read(file: string): TextTokenizer {
  const gguf = openGguf(file);
  try {
    const { tokenizer, config } = tokenizerFromGguf(file, gguf.fields);
    const dir = temporaryFolder();
    fs.writeFileSync(path.join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
    fs.writeFileSync(path.join(dir, 'tokenizer_config.json'), JSON.stringify(config));
    return loadTokenizer(dir);
  } finally {
    gguf.close();
  }
}

async function judge(file: string): Promise<LlamacppModel> {
  const model = await openTokenizer(file);
  opened.push(model);
  return model;
}

/** As the folder's own tokenizer becomes one. */
function written(dir: string): string {
  const { metadata } = ggufTokenizer(dir, { ...TINY_LLAMA, vocab_size: loadTokenizer(dir).vocabSize });
  return writeVocabulary(metadata);
}

async function expectSame(file: string, isExcused: (text: string) => boolean = () => false): Promise<TextTokenizer> {
  const ours = read(file);
  const theirs = await judge(file);
  const texts = vectorTexts(ours.controlTexts);
  expect(texts.length).toBeGreaterThanOrEqual(200);
  expect(differences(texts, ours, theirs).filter(({ text }) => !isExcused(text))).toEqual([]);
  expect(ours.encode('')).toEqual([...theirs.frame.before, ...theirs.frame.after]);
  expect(ours.eosIds.every((id) => theirs.isEnd(id))).toBe(true);
  return ours;
}

const SPLIT = (regex: string): object => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
  ],
});
const CL100K =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" +
  '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

describe('the same ids as llama.cpp', () => {
  it('the starter model', async () => {
    const ours = await expectSame(written(STARTER));
    const own = loadTokenizer(STARTER);
    expect([ours.bosId, ours.eosIds, ours.specialText]).toEqual([own.bosId, own.eosIds, own.specialText]);
  });

  it.skipIf(!hasShared(STORIES))(`stories260K${skipNote(STORIES)}`, async () => {
    const ours = await expectSame(written(sharedPath(STORIES)));
    expect(ours.encode('Once upon a time')).toEqual(loadTokenizer(sharedPath(STORIES)).encode('Once upon a time'));
    expect(ours.decode(ours.encode(' two  spaces, 日本 😀\n'))).toBe(' two  spaces, 日本 😀\n');
  });

  it.skipIf(!hasShared(GPT2))(`the vocabulary of GPT-2 as published with llama.cpp${skipNote(GPT2)}`, async () => {
    const file = sharedPath(GPT2);
    const ours = await expectSame(file);
    const inputs = fs.readFileSync(`${file}.inp`, 'utf8').split('\n__ggml_vocab_test__\n');
    const outputs = fs.readFileSync(`${file}.out`, 'utf8').split('\n');
    for (const [i, want] of outputs.slice(0, inputs.length).entries())
      expect(ours.encode(inputs[i]!, { addSpecialTokens: false }).join(' '), inputs[i]).toBe(want.trim());
  });

  it.each([
    ['as Llama 3 splits', SPLIT(CL100K), { ignore_merges: true }, () => false],
    // Its models bring texts to NFC first, which llama.cpp leaves to others.
    ['as Qwen 2 splits', SPLIT(CL100K.replace('{1,3}', '')), {}, (text: string) => text !== text.normalize('NFC')],
  ])('byte-level, %s', async (_, parts, model, isExcused) => {
    await expectSame(written(writeByteLevel(vectorTexts([]), { pre_tokenizer: parts }, model)), isExcused);
  });

  it.each([
    ['with a space before each text', {}, []],
    [
      'without one, and with tokens of the user, as Gemma',
      { normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' } },
      ['\n\n', '\n\n\n', '▁▁', '<h1>'].map((content) => ({ content })),
    ],
  ])("SentencePiece's form, %s", async (_, parts, added) => {
    await expectSame(written(writeSentencePiece(vectorTexts(['</s>', '<unk>']), parts, added)));
  });
});

it("Phi-3's control tokens take the white space after them along, as in llama.cpp", async () => {
  const marks = ['<|endoftext|>', '<|end|>'].map((content) => ({ content, special: true }));
  const dir = writeSentencePiece(vectorTexts(['</s>', '<unk>']), {}, marks);
  const { metadata } = ggufTokenizer(dir, { ...TINY_LLAMA, vocab_size: loadTokenizer(dir).vocabSize });
  const file = writeVocabulary(new Map([...metadata, ['general.name', string('Phi 3 Mini (phi-3)')]]));
  const ours = await expectSame(file);
  const theirs = await judge(file);
  const texts = ['a</s>  \n b<s>  c', '<|end|>\n<|end|> \n x<|endoftext|> \ny', '</s>  '];
  expect(differences(texts, ours, theirs)).toEqual([]);
  expect(ours.encode('<|end|> \n<|end|>', { addSpecialTokens: false })).toHaveLength(2);
});

describe('what the metadata says', () => {
  const tiny = (changes: [string, GgufValue][] = []): string =>
    writeVocabulary(
      new Map([
        ['tokenizer.ggml.model', string('gpt2')],
        ['tokenizer.ggml.pre', string('gpt-2')],
        ['tokenizer.ggml.tokens', strings(['a', 'b', 'ab', '<|im_end|>', '<s>', '[PAD5]'])],
        ['tokenizer.ggml.token_type', numbers('int32', [1, 1, 1, 1, 3, 5])],
        ['tokenizer.ggml.merges', strings(['a b'])],
        ['tokenizer.ggml.bos_token_id', uint32(4)],
        ['tokenizer.ggml.eos_token_id', uint32(1)],
        ['tokenizer.ggml.eot_token_id', uint32(2)],
        ...changes,
      ]),
    );

  it('roles, ends of an answer, and what frames a text', () => {
    const ours = read(tiny([['tokenizer.ggml.add_bos_token', bool(true)]]));
    expect(ours.encode('ab<|im_end|>')).toEqual([4, 2, 3]);
    expect(new Set(ours.controlTexts)).toEqual(new Set(['<|im_end|>', '<s>', 'b', 'ab']));
    const gguf = openGguf(tiny());
    const { special, size } = tokenizerFromGguf(gguf.source.path, gguf.fields);
    gguf.close();
    expect([special.bos?.id, special.eos?.id, [...special.ends].sort(), size]).toEqual([4, 1, [1, 2, 3], 6]);
  });

  it('the chat template, and those of other names', () => {
    expect(read(tiny([['tokenizer.chat_template', string('{{ messages }}')]])).chatTemplate).toBe('{{ messages }}');
    const two = tiny([
      ['tokenizer.chat_template', string('main')],
      ['tokenizer.chat_template.tool_use', string('other')],
    ]);
    expect(read(two).chatTemplate).toBe('main');
  });

  it('no merge makes a control token of text that looks like one', () => {
    const ours = read(written(writeSentencePiece(['<s> </s> '.repeat(9)])));
    const ids = ours.encode(`<${MARK}s>`, { addSpecialTokens: false });
    expect(ids).not.toContain(ours.bosId);
    expect(ours.decode(ids, { skipSpecialTokens: false })).toBe('<s>');
  });
});

describe('refused in one sentence', () => {
  it.each([
    ['an unknown kind', [['tokenizer.ggml.model', string('bert')]], 'is of the kind "bert"'],
    ['an unknown splitting', [['tokenizer.ggml.pre', string('kimi-k2')]], 'in the way "kimi-k2"'],
    ['no splitting', [['tokenizer.ggml.pre', undefined]], 'does not say how texts are split'],
    ['no tokens', [['tokenizer.ggml.tokens', strings([])]], 'has no list of tokens'],
    ['a token twice', [['tokenizer.ggml.tokens', strings(['a', 'a'])]], 'has the token "a" twice'],
    ['too few types', [['tokenizer.ggml.token_type', numbers('int32', [1])]], 'only 1 entries in token_type'],
    ['a merge of one piece', [['tokenizer.ggml.merges', strings(['ab'])]], 'the merge "ab", which is no pair'],
    ['no merges', [['tokenizer.ggml.merges', undefined]], 'has no list of merges'],
  ] as const)('%s', (_, changes, words) => {
    const metadata: GgufMetadata = new Map([
      ['tokenizer.ggml.model', string('gpt2')],
      ['tokenizer.ggml.pre', string('gpt-2')],
      ['tokenizer.ggml.tokens', strings(['a', 'b', 'ab'])],
      ['tokenizer.ggml.merges', strings(['a b'])],
    ]);
    for (const [key, value] of changes)
      if (value === undefined) metadata.delete(key);
      else metadata.set(key, value);
    expect(() => read(writeVocabulary(metadata))).toThrow(
      expect.objectContaining({ code: 'GGUF_TOKENIZER', message: expect.stringContaining(words) as string }),
    );
  });
});
