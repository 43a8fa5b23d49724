/** What cannot be bound is refused before the run, with numbers worked out by hand. */
import { expect, it } from 'vitest';
import { architectureFromConfig } from '../../engine/model/architecture.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { checkBindings } from './checkBindings.ts';

const spec = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  vocab_size: 128256,
  max_position_embeddings: 8192,
  tie_word_embeddings: false,
});
const MIB = 2 ** 20;
const batch = (B: number, T: number): Batch => {
  const ids = new Int32Array(B * T);
  return { ids, labels: ids, mask: ids.map(() => 1), B, T };
};
const check = (B: number, T: number, gradientCheckpointing: boolean, bindingBytes?: number): void =>
  checkBindings({ base: { spec }, train: { gradientCheckpointing } }, batch(B, T), bindingBytes);

it('the inner layer of the MLP is the largest: 56 KiB a token, 2340 tokens in 128 MiB', () => {
  expect(() => check(1, 2340, false, 128 * MIB)).not.toThrow();
  expect(() => check(4, 1024, false, 128 * MIB)).toThrow(
    'A micro-batch of 4096 tokens needs 224 MiB in one buffer for the values of gate_proj, and the graphics card ' +
      'binds 128 MiB at once; lower the batch from 4 to 2, turn gradient checkpointing on or choose another engine.',
  );
  expect(() => check(1, 4096, false, 128 * MIB)).toThrow(/lower the maximum length from 4096 to 2340, /);
});

it('with the MLP in parts the residual stream is: 16 KiB a token, 8192 tokens', () => {
  expect(() => check(1, 8192, true, 128 * MIB)).not.toThrow();
  expect(() => check(2, 8192, true, 128 * MIB)).toThrow(
    /16384 tokens needs 256 MiB .* residual stream, .*; lower the batch from 2 to 1 or choose another engine\.$/,
  );
});

it('the processor binds what it has', () => expect(() => check(64, 8192, false)).not.toThrow());
