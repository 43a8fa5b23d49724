/**
 * `npm run bench -- advise [--model DIR --data FILE,FILE --seeds 0,1,2 --steps N --lr X,X]`: does the advisor, EVA or
 * LoRA-GA help? Plain LoRA of one rank on every matrix beside them, at equal budget, the same rows and seeds, so that
 * differences are paired. Prints a table per dataset and rate; --out keeps the figures.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { workerEnvironment } from '../src-main/app/workers/environment.ts';
import { circumstances } from './lib/machine.ts';
import { REPOSITORY } from './lib/places.ts';
import type { AdviseAnswer, AdviseRequest } from './advise/one.ts';
import { adviseTable } from './advise/table.ts';
import { VARIANTS, type Variant } from './advise/variants.ts';

const starter = (...parts: string[]): string => path.join(REPOSITORY, 'resources', 'starter', ...parts);
const { values } = parseArgs({
  args: process.argv.slice(2).filter((text) => text !== '--'),
  options: {
    model: { type: 'string', default: starter('model') },
    data: { type: 'string', default: `${starter('data', 'describe.jsonl')},${starter('data', 'extract.jsonl')}` },
    rows: { type: 'string', default: '3000' },
    seeds: { type: 'string', default: '0,1,2' },
    steps: { type: 'string', default: '100' },
    batch: { type: 'string', default: '8' },
    rank: { type: 'string', default: '4' },
    'max-length': { type: 'string', default: '128' },
    lr: { type: 'string', default: '5e-3' },
    only: { type: 'string', default: VARIANTS.join(',') },
    out: { type: 'string', default: '' },
  },
});

const list = (text: string): string[] => text.split(',');
const answers: AdviseAnswer[] = [];
for (const data of list(values.data).map((file) => path.resolve(file)))
  for (const lr of list(values.lr).map(Number))
    for (const seed of list(values.seeds).map(Number)) {
      const request: AdviseRequest = {
        modelDir: path.resolve(values.model),
        data,
        rows: Number(values.rows),
        steps: Number(values.steps),
        batch: Number(values.batch),
        rank: Number(values.rank),
        maxLength: Number(values['max-length']),
        lr,
        seed,
        variants: list(values.only) as Variant[],
      };
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [path.join(REPOSITORY, 'bench', 'advise', 'one.ts'), JSON.stringify(request)],
        { env: workerEnvironment(), maxBuffer: 1 << 26 },
      );
      for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
        const answer = JSON.parse(line) as AdviseAnswer;
        answers.push(answer);
        const { variant, valLoss, trainable, seconds } = answer;
        console.error(
          `${path.basename(data)}, ${lr}, seed ${seed}, ${variant}: ${valLoss}, ${trainable}, ${seconds} s`,
        );
      }
      if (values.out) fs.writeFileSync(values.out, JSON.stringify({ ...circumstances(), answers }, null, 1));
    }
for (const line of adviseTable(answers)) console.log(line);
