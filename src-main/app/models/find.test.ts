import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { findModels } from './find.ts';

it('finds checkpoints and GGUF files where other programs keep them', () => {
  const root = temporaryFolder();
  const write = (...parts: string[]): string => {
    const file = path.join(root, ...parts);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'x'.repeat(7));
    return file;
  };
  const checkpoint = path.dirname(write('hub', 'models--o--whole', 'snapshots', 'c1', 'config.json'));
  write('hub', 'models--o--whole', 'snapshots', 'c1', 'model.safetensors');
  write('hub', 'models--o--whole', 'snapshots', 'c1', 'whole.gguf');
  const cached = write('hub', 'models--o--packed', 'snapshots', 'c2', 'packed.Q4_K_M.gguf');
  const own = write('lms', 'them', 'M-GGUF', 'm-Q8_0.GGUF');
  write('lms', 'them', 'M-GGUF', 'mmproj-m.gguf');
  write('lms', 'them', 'Big-GGUF', 'big-00001-of-00002.gguf');
  expect(findModels({ huggingFace: [path.join(root, 'hub')], lmStudio: [path.join(root, 'lms')] })).toEqual([
    { name: 'm-Q8_0', dir: own, sizeBytes: 7, place: 'LM Studio' },
    { name: 'o/whole', dir: checkpoint, sizeBytes: 7, place: 'Hugging Face' },
    { name: 'packed.Q4_K_M', dir: cached, sizeBytes: 7, place: 'Hugging Face' },
  ]);
});
