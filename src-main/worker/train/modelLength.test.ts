/** Case 35 of shared/bugs: a row of 964 tokens, a model of 512 positions, `--max-length 1024`. */
import { expect, it } from 'vitest';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { checkFile } from '../../app/datasets/check.ts';
import { architectureFromConfig } from '../../engine/model/architecture.ts';
import { readConfig } from '../../basemodel/config.ts';
import { CallControl } from '../control.ts';
import { Resident } from '../serve/resident.ts';
import { lengthsOf } from '../../datasets/tokens/rowList.ts';
import { readData } from './data.ts';

const STORIES = 'data/stories260k';
const hasCase = hasShared(STORIES) && hasShared('bugs');
const modelDir = sharedPath(STORIES);
const file = sharedPath('bugs/35-longer-than-positions/rows.jsonl');

it.skipIf(!hasCase)(`a check and a run cut at the model's positions, and say so${skipNote(STORIES)}`, async () => {
  const { lengths } = await checkFile({ file, modelDir, maxLength: 1024 });
  expect(lengths).toMatchObject({ maxLength: 512, limitedByModel: true, truncated: 1, max: 964 });

  const spec = await tinyRun({ data: { maxLength: 1024 }, train: { val: 0 } });
  const events: TrainEvent[] = [];
  const ofCase = { ...spec, model: { dir: modelDir, hash: '' }, data: { ...spec.data, file } };
  const rows = await readData(ofCase, architectureFromConfig(readConfig(modelDir)), (event) => void events.push(event));
  expect([...lengthsOf(rows.train)]).toEqual([512, 8]);
  expect(events).toContainEqual({
    type: 'log',
    message: 'Rows are cut at 512 tokens, the longest that this model can see.',
  });
});

it('an answer ends where the model sees no more: with the last of its positions it writes one more token', async () => {
  const { model } = await tinyRun();
  const resident = new Resident();
  await resident.load({ engine: 'wasm', modelDir: model.dir });
  const asked = { prompt: 'Once upon', maxNew: 700, temperature: 0 };
  const { tokens, promptTokens, stopReason } = await resident.generate(asked, () => undefined, new CallControl());
  expect([promptTokens + tokens, stopReason]).toEqual([64 + 1, 'length']);
});

it('virtual tokens of a method count towards what the model sees', async () => {
  const rows = [JSON.stringify({ prompt: 'a', completion: 'b'.repeat(100) })];
  const method = { type: 'prefix', kind: 'embedding', prefixLength: 10, infixLength: 4 };
  const spec = await tinyRun({ rows, method, data: { maxLength: 64 }, train: { val: 0 } });
  const architecture = architectureFromConfig(readConfig(spec.model.dir));
  const messages: string[] = [];
  const { train } = await readData(spec, architecture, (event) => {
    if (event.type === 'log') messages.push(event.message);
  });
  // 64 positions, of which 10 + 4 are virtual.
  expect(messages).toContain('Rows are cut at 50 tokens, the longest that this model can see.');
  expect([...lengthsOf(train)]).toEqual([64]);
});
