/** Prompts that a graphics card cannot bind are refused before the first pass, with numbers worked out by hand. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { architectureFromConfig } from '../../engine/model/architecture.ts';
import { bootBackend } from '../../engine/backends/backends.ts';
import { mostBytesPerBinding } from '../../engine/backends/bindingLimit.ts';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { CallControl } from '../control.ts';
import { mostColumns } from './columns.ts';
import { checkPromptBuffers, mayPad } from './promptBuffers.ts';
import { Resident } from './resident.ts';

const MIB = 2 ** 20;
const spec = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  tie_word_embeddings: false,
});

/** Alone and read at once, with an answer of 100 tokens, unless said otherwise. */
function check(promptTokens: number, { rows = 1, maxNew = 100, tokensPerPass = Infinity } = {}): void {
  checkPromptBuffers(spec, { rows, promptTokens, maxNew, tokensPerPass }, 128 * MIB);
}

it('the inner layer of the MLP is the largest where a prompt is read at once: 56 KiB a token, 2340 tokens', () => {
  expect(() => check(2340)).not.toThrow();
  expect(() => check(4096)).toThrow(
    'A prompt of 4096 tokens needs 224 MiB in one buffer for the values of gate_proj, and the graphics card binds ' +
      '128 MiB at once; shorten it to 2340 tokens or choose another engine.',
  );
  expect(() => check(2340, { rows: 2 })).toThrow(
    /^A prompt of 2340 tokens, answered 2 times at once, needs 256 MiB .*; shorten it to 1170 tokens or/,
  );
});

it('the keys of a layer are where it is read 512 tokens at a time: 4 KiB a token, 32768 with the answer', () => {
  const served = { tokensPerPass: 512 };
  expect(() => check(32_668, served)).not.toThrow();
  expect(() => check(32_669, served)).toThrow(
    'A prompt of 32669 tokens needs 129 MiB in one buffer for the keys of a layer, with an answer of up to 100 ' +
      'tokens, and the graphics card binds 128 MiB at once; shorten it to 32668 tokens or choose another engine.',
  );
  expect(() => check(10, { ...served, maxNew: 40_000 })).toThrow(/; ask for a shorter answer or choose another engine/);
});

it('says the least of both where both are too large, and nothing on the processor', () => {
  expect(() => check(40_000)).toThrow(/2188 MiB .* gate_proj.*; shorten it to 2340 tokens/);
  expect(() =>
    checkPromptBuffers(spec, { rows: 9, promptTokens: 1e5, maxNew: 9, tokensPerPass: Infinity }, Infinity),
  ).not.toThrow();
});

it('answers under way hold no more keys than a layer can bind', () => {
  expect(mostColumns(spec, 1e12, 64 * MIB)).toBe(16_384);
  expect(mostColumns(spec, 1e12, Infinity)).toBe(32_768); // 8 GiB of 256 KiB a token
});

it('prompts of unlike length are read together while their scores, 4 bytes of 32 heads, can be bound', () => {
  const fits = (longest: number): boolean => mayPad(spec, { tokensPerPass: 512, longest }, 128 * MIB);
  expect([fits(2048), fits(2049)]).toEqual([true, false]);
});

const note = await bootOrNote('webgpu');
const bindingBytes = note === '' ? mostBytesPerBinding() : Infinity;
const isSmall = bindingBytes <= 2 ** 28;

describe.skipIf(!isSmall)(`on a card that binds little${note}`, () => {
  const resident = new Resident();
  const control = new CallControl();
  /** Of which one buffer more is needed than the card binds. */
  const ids = (tokens: number): number[] => Array.from({ length: tokens }, (_, i) => 3 + (i % 20));
  const asked = (tokens: number) => ({ prompt: '', ids: ids(tokens), maxNew: 2, temperature: 0, ignoreEnds: true });

  it('the playground refuses what the same prompt, read in parts, is answered to as a service', async () => {
    await bootBackend('webgpu');
    // 512 tokens of the inner layer are all that can be bound.
    const config = {
      ...TINY_LLAMA,
      num_hidden_layers: 1,
      intermediate_size: bindingBytes / 4 / 512,
      max_position_embeddings: 1024,
    };
    const modelDir = await writeTinyModel(path.join(temporaryFolder(), 'wide'), { config });
    await resident.load({ engine: 'webgpu', modelDir });
    const answerTo = (tokens: number) => resident.generate(asked(tokens), () => undefined, control);
    await expect(answerTo(513)).rejects.toMatchObject({
      code: 'BUFFER_TOO_LARGE',
      message: expect.stringMatching(/^A prompt of 513 tokens .*; shorten it to 512 tokens or/),
    });
    expect((await answerTo(512)).tokens).toBe(2);
    const served = resident.answer({ ...asked(600), adapterDir: null }, () => undefined, control);
    expect((await served).tokens).toBe(2);
  });
});
