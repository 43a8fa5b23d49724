/** On `webgpu` the words and the large float32 tensors go to the card run by run. */
import { expect, it, onTestFinished } from 'vitest';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { bootOrNote } from '../../test-support/checks/engineSkip.ts';
import { temporaryFolder, tinyEntries, writeTiny } from '../../test-support/fixtures/folders.ts';
import { packMatrix } from '../engine/packed/packMatrix.ts';
import { disposeWeights } from '../engine/model/weights.ts';
import { loadBase } from './loadBase.ts';
import { mergedInMemory } from '../worker/verify/mergedInMemory.ts';
import { PackedCache } from './packedCache.ts';

const note = await bootOrNote('webgpu');

/** An embedding of 1.1 MB in float32, which is large, and linear layers of odd quads. */
const CONFIG = {
  model_type: 'llama',
  hidden_size: 70,
  intermediate_size: 33,
  num_hidden_layers: 1,
  num_attention_heads: 7,
  num_key_value_heads: 7,
  head_dim: 10,
  vocab_size: 4001,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: true,
};

it.skipIf(note !== '')(`the same bits as the files and packing say, and from the cache${note}`, async () => {
  const base = openBaseModel(await writeTiny(temporaryFolder(), tinyEntries(CONFIG, 'bf16'), CONFIG));
  onTestFinished(() => base.close());
  const cache = new PackedCache({ dir: temporaryFolder() });
  for (const road of ['packed', 'from the cache']) {
    const weights = await loadBase(base, { baseDtype: 'nf4', cache, runBytes: 5000 });
    for (const [name, { value, packed }] of weights) {
      const values = base.readF32(name);
      const got = await value.data();
      if (packed) expect(got, `${name}, ${road}`).toEqual(packMatrix(name, values, ...packed.shape, 'nf4').words);
      else expect([value.shape, got], name).toEqual([base.shape(name), values]);
    }
    expect([...weights.values()].filter(({ packed }) => packed)).toHaveLength(7);
    disposeWeights(weights);
  }
});

it.skipIf(note !== '')(`values that are changed as they are read, large ones too${note}`, async () => {
  const files = openBaseModel(await writeTiny(temporaryFolder(), tinyEntries(CONFIG, 'bf16'), CONFIG));
  onTestFinished(() => files.close());
  const weights = await loadBase(mergedInMemory(files, () => (rows) => void rows.forEach((_, i) => (rows[i]! *= 2))));
  // A difference of a quarter of a million numbers would take vitest minutes to print.
  const twice = (name: string): Float32Array => files.readF32(name).map((weight) => 2 * weight);
  for (const [name, { value }] of weights) {
    const got = await value.data();
    expect(
      twice(name).findIndex((want, i) => want !== got[i]),
      name,
    ).toBe(-1);
  }
  disposeWeights(weights);
});
