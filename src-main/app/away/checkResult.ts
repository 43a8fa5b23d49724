/** Whether what came back as a run's result is what its job has written. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../../src-shared/errors.ts';
import { fileSha256 } from '../../files/sha256.ts';

/** Throws JOB_CHANGED. */
export function checkResult(outDir: string, sha256: string): void {
  if (fs.existsSync(outDir) && weightsSha256(outDir) === sha256) return;
  throw new GraftError(
    'JOB_CHANGED',
    `The weights in ${outDir} are not what the job has written; copy the folder again.`,
    { outDir },
  );
}

/** Of the weights file; of several shards as basemodel/rewrite.ts tells it. */
function weightsSha256(dir: string): string {
  const names = fs.readdirSync(dir).filter((name) => name.endsWith('.safetensors'));
  const [first, ...others] = names.sort().map((name) => ({ name, sha256: fileSha256(path.join(dir, name)) }));
  if (!first) return '';
  if (others.length === 0) return first.sha256;
  const lines = [first, ...others].map(({ name, sha256 }) => `${sha256}  ${name}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}
