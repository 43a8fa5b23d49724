/** Tokenizers and chat templates that would never end, or that are not what they say. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';
import { chatSegments } from './chat.ts';
import { guardPatterns } from './guardedPattern.ts';
import { loadTokenizer } from './tokenizer.ts';

type Json = Record<string, unknown>;

/** A byte tokenizer with parts of its tokenizer.json replaced. */
function tokenizer(change: (json: Json & { model: Json }) => void): string {
  const dir = temporaryFolder();
  writeTinyTokenizer(dir);
  const file = path.join(dir, 'tokenizer.json');
  const json = JSON.parse(fs.readFileSync(file, 'utf8')) as Json & { model: Json };
  change(json);
  fs.writeFileSync(file, JSON.stringify(json));
  return dir;
}

const split = (regex: string): Json => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
  ],
});

describe('patterns', () => {
  it.each(['(a+)+$', '(a|a)*$', '(?:a?){25}a{25}b', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
    '%s ends in a sentence',
    (regex) => {
      const { encode } = loadTokenizer(tokenizer((json) => (json['pre_tokenizer'] = split(regex))));
      expect(encode('aab').length).toBeGreaterThan(0);
      expect(() => encode(`${'a'.repeat(60)}!`)).toThrowError(
        expect.objectContaining({
          code: 'TOKENIZER_BROKEN',
          message: expect.stringContaining(`splits texts by the pattern ${JSON.stringify(regex)}`) as string,
        }),
      );
    },
  );

  it('one under guard splits, replaces and isolates as one without', () => {
    const guarded = { config: { pattern: { Regex: '(b)|c+' } }, pattern: /(b)|c+/gu };
    const text = 'abcca bc';
    const plain = guarded.pattern;
    guardPatterns([{ inner: [guarded] }], 'tokenizer.json');
    expect(guarded.pattern).not.toBe(plain);
    expect(text.match(guarded.pattern)).toEqual(text.match(plain));
    expect(text.split(guarded.pattern)).toEqual(text.split(plain));
    expect(text.replaceAll(guarded.pattern, '<$1>')).toBe(text.replaceAll(plain, '<$1>'));
    expect([...text.matchAll(guarded.pattern)].map(({ index }) => index)).toEqual(
      [...text.matchAll(plain)].map(({ index }) => index),
    );
  });

  it.each([' ', '\\p{N}{1,3}', "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"])(
    '%s is known to end, and runs as it is',
    (regex) => {
      const part = { config: { pattern: { Regex: regex } }, pattern: new RegExp(regex, 'gu') };
      guardPatterns([part], 'tokenizer.json');
      expect(part.pattern).toBeInstanceOf(RegExp);
    },
  );
});

describe('a tokenizer.json that is none', () => {
  const withId = (id: unknown) => (json: Json) =>
    (json['added_tokens'] as Json[]).push({ id, content: '<|x|>', special: true });
  it.each<[string, (json: Json & { model: Json }) => unknown, string]>([
    ['an id of 2^31', withId(2 ** 31), 'has the id 2147483648, although it holds only'],
    ['an id of -1', withId(-1), 'has an added token 2 without a text and an id'],
    ['a vocabulary id of 2^31', ({ model }) => ((model['vocab'] as Json)['zz'] = 2 ** 31), 'has the id 2147483648'],
    ['a text as id', ({ model }) => ((model['vocab'] as Json)['zz'] = 'x'), 'gives the token "zz" no whole number'],
    ['no merges', ({ model }) => delete model['merges'], 'has no list of merges'],
    [
      'a pattern that is a number',
      (json) => (json['pre_tokenizer'] = { type: 'Split', pattern: { Regex: 7 } }),
      'is not text',
    ],
    ['an unknown part', (json) => (json['decoder'] = { type: 'Magic' }), 'Unknown Decoder type: Magic'],
    [
      'a part of another form',
      (json) => (json['post_processor'] = { type: 'TemplateProcessing' }),
      'do not have the form',
    ],
  ])('%s', (_, change, sentence) => {
    expect(() => loadTokenizer(tokenizer(change))).toThrowError(
      expect.objectContaining({ code: 'TOKENIZER_BROKEN', message: expect.stringContaining(sentence) as string }),
    );
  });
});

describe('chat templates', () => {
  const style = (chatTemplate: string) => ({ chatTemplate, specialText: { bos: '', eos: '', pad: '', unk: '' } });
  const messages = [
    { role: 'user' as const, content: 'Hi' },
    { role: 'assistant' as const, content: 'Ho' },
  ];

  it('loops within loops end in one sentence that names the template', () => {
    const endless = '{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}';
    expect(() => chatSegments(style(endless), { messages })).toThrowError(
      expect.objectContaining({ code: 'CHAT_TEMPLATE', message: expect.stringContaining('chat_template') as string }),
    );
  });

  it.each([
    ['{% for a in range(3) %}{{ a }}{% endfor %}', '012'],
    ['{% for a in range(5, 0, -2) %}{{ a }}{% endfor %}', '531'],
    ['{% for a in range(2, 2) %}{{ a }}{% endfor %}', ''],
    ["{% set b = {'range': 7} %}{{ b.range }}{{ range(1, 3) | length }}", '72'],
  ])('counts in %s as Python does', (counts, text) => {
    const counted = `${counts}{% for m in messages %}<{{ m.content }}>{% endfor %}`;
    expect(chatSegments(style(counted), { messages })).toMatchObject({
      segments: [{ text: `${text}<Hi>` }, { text: '<Ho>' }],
    });
  });

  it.each([
    ['20,000 brackets', `{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`, 'without end'],
    ['a macro that calls itself', '{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}', 'calls itself without end'],
    [
      'a text of gigabytes',
      "{% set ns = namespace(s='x') %}{% for a in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      'without end',
    ],
    ['a count to a billion', '{% for a in range(1000000000) %}{% endfor %}', 'counts to more than 100000'],
    ['what is no template', '{% for %}', 'is not written as a template'],
    ['its own refusal', "{{ raise_exception('system is not allowed') }}", 'system is not allowed'],
  ])('%s', (_, template, sentence) => {
    // On a busy machine the deadline may come first; its sentence is as good.
    let told: string;
    try {
      told = JSON.stringify(chatSegments(style(template), { messages }));
    } catch (error) {
      told = (error as Error).message;
      expect(told).toContain('does not come to an end');
      return;
    }
    expect(told).toContain(sentence);
  });
});
