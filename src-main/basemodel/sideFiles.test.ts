/** Which files of a model folder an export takes along, and which it names as left behind. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { leftBehindOf, sideFilesOf } from './sideFiles.ts';

/** As the hub has them: Llama, Qwen, Phi (code of its own), Mistral, GPT-2, Gemma. */
const OF_A_MODEL = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'tokenizer.model.v3',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'qwen.tiktoken',
  'tekken.json',
  'spiece.model',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'configuration_phi3.py',
  'modeling_phi3.py',
  'README.md',
  'LICENSE',
  'LICENSE.txt',
  'LICENCE-MODEL',
  'NOTICE.md',
  'USE_POLICY.md',
  'additional_chat_templates/tool_use.jinja',
];
const OTHERS = [
  'pytorch_model.bin',
  'model.onnx',
  'training_args.bin',
  'trainer_state.json',
  'golden.json',
  'notes.txt',
  'secrets.env',
  'train.jsonl',
  'setup.py',
  'checkpoint-500/config.json',
  'checkpoint-500/model.safetensors',
];
const OF_THE_EXPORT = ['model.safetensors', 'model-00001-of-00002.safetensors', 'model.safetensors.index.json'];

it('takes the files of a checkpoint along, and names the others', () => {
  const dir = temporaryFolder();
  for (const name of [...OF_A_MODEL, ...OTHERS, ...OF_THE_EXPORT, 'parity.json', '.gitattributes', '.cache/x']) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), 'x');
  }
  fs.symlinkSync(dir, path.join(dir, 'round')); // leads back to the top
  fs.symlinkSync(path.join(dir, 'gone'), path.join(dir, 'vocab.txt'));
  expect(
    sideFilesOf(dir)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual([...OF_A_MODEL, path.join('round', 'chat_template.jinja')].toSorted());
  expect(leftBehindOf(dir)).toEqual([...OTHERS.slice(0, -2), 'checkpoint-500/'].toSorted());
});
