/**
 * A ChatML template on a base whose EOS is another token, as Qwen2.5's base models are (../shared/bugs, case 15):
 * trained, asked, exported.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { oneHeldOutPrompt, runPython, STORIES, strangersNote } from '../../test-support/fixtures/strangers.ts';
import { sharedPath } from '../../test-support/goldens/shared.ts';
import { hashOf } from '../../test-support/rigs/tinyRun.ts';
import { runSpecSchema } from '../../src-shared/runSpec.ts';
import type { GenerateParams } from '../../src-shared/generation.ts';
import { CallControl } from './control.ts';
import { Resident } from './serve/resident.ts';
import { train } from './train/train.ts';
import { mergeAndVerify } from './verify/merge.ts';

const note = strangersNote();
const CASE = 'bugs/15-template-end-token-is-not-eos';
/** <|im_end|>; the base's own EOS is 2. */
const END = 511;
const ASKED: GenerateParams = { prompt: 'Who sat?', chat: true, maxNew: 32, temperature: 0 };

it.skipIf(note !== '')(`what the template ends an answer with is recorded, obeyed and exported${note}`, async () => {
  const root = temporaryFolder();
  const modelDir = path.join(root, 'model');
  runPython([sharedPath(`${CASE}/make.py`), sharedPath(STORIES), modelDir]);
  const adapterDir = path.join(root, 'adapter');
  const runDir = path.join(root, 'run');
  fs.mkdirSync(runDir);
  const targets = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
  const spec = runSpecSchema.parse({
    runId: 'run-1',
    engine: 'tensorflow',
    model: { dir: modelDir, hash: hashOf(modelDir) },
    data: { file: sharedPath(`${CASE}/rows.jsonl`) },
    task: 'cats',
    method: { type: 'lora', rank: 16, targets },
    train: { steps: 24, lr: 2e-2, val: 0 },
    runDir,
    outDir: adapterDir,
  });
  await train(spec, false, () => undefined, new CallControl());
  const info = JSON.parse(fs.readFileSync(path.join(adapterDir, 'graft.json'), 'utf8')) as object;
  expect(info).toMatchObject({ endTokens: [{ id: END, text: '<|im_end|>' }] });

  const resident = new Resident();
  const ask = async (dir: string, adapter: string | null, stop: string[] = []) => {
    await resident.load({ engine: 'tensorflow', modelDir: dir });
    await resident.attach(adapter);
    return resident.generate({ ...ASKED, stop }, () => undefined, new CallControl());
  };
  expect(await ask(modelDir, adapterDir)).toMatchObject({ text: 'The cat sat.', stopReason: 'eos' });

  const outDir = path.join(root, 'merged');
  const params = { engine: 'tensorflow', modelDir, adapterDir, outDir, heldOut: oneHeldOutPrompt(root) } as const;
  const { certificate } = await mergeAndVerify(params, () => undefined);
  expect(certificate).toMatchObject({ passed: true });
  for (const name of ['config.json', 'generation_config.json'])
    expect(JSON.parse(fs.readFileSync(path.join(outDir, name), 'utf8'))).toMatchObject({ eos_token_id: [2, END] });
  expect(await ask(outDir, null)).toMatchObject({ text: 'The cat sat.', stopReason: 'eos' });

  // With nothing recorded the token is one that can be asked for.
  fs.writeFileSync(path.join(adapterDir, 'graft.json'), JSON.stringify({ ...info, endTokens: [] }));
  expect(await ask(modelDir, adapterDir)).toMatchObject({ stopReason: 'length' });
  expect(await ask(modelDir, adapterDir, ['<|im_end|>'])).toMatchObject({ text: 'The cat sat.', stopReason: 'stop' });
});
