import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { MODEL } from '../../../test-support/rigs/services.ts';
import { checkpointOf } from './checkpointFile.ts';

it.each(['config.json', 'model.safetensors'])('%s stands for its folder', (name) =>
  expect(checkpointOf(path.join(MODEL, name))).toBe(MODEL),
);

it('a folder, another file and what is not there stay what they are', () => {
  const folder = path.join(temporaryFolder(), 'odd.safetensors');
  fs.mkdirSync(folder);
  for (const named of [MODEL, path.join(MODEL, 'tokenizer.json'), folder, '/nowhere/config.json'])
    expect(checkpointOf(named)).toBe(named);
});
