import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { createCaller } from '../../api/router.ts';
import { readArgs } from './args.ts';
import type { Command } from './command.ts';
import { runsList, runsLog } from './runs.ts';

const benches: TestBench[] = [];
afterEach(async () => {
  for (const made of benches.splice(0)) await made.close();
});

it('lists the runs and writes the logs of one that is named', async () => {
  const b = openBench();
  benches.push(b);
  const { services } = b;
  const call = async (command: Command, ...argv: string[]) => {
    const printed: string[] = [];
    const args = readArgs(argv, command.options, command.positionals);
    const print = (line: string) => void printed.push(line);
    const api = createCaller(services);
    const result = await command.run({ args, services, api, json: false, print, write: print, say: print });
    return { result, text: printed.join('\n') };
  };
  expect((await call(runsList)).text).toMatch(/There is no such run yet/);
  const { id } = await services.runs.start(await smallRun(b, { steps: 2 }));
  await services.runs.finished(id);
  services.runs.annotate({ id, tags: ['first'] });
  expect((await call(runsList, '--tag', 'first')).text).toMatch(new RegExp(`${id} +colours +completed +LoRA.* first$`));
  expect((await call(runsList, '--tag', 'other')).text).toMatch(/There is no such run/);

  const out = path.join(b.home, 'exports', 'logs');
  const { text } = await call(runsLog, 'colours', '--format', 'csv,tensorboard', '--out', out);
  expect(text).toContain(`See them: tensorboard --logdir "${path.join(out, 'tensorboard')}"`);
  expect(fs.readdirSync(out).sort()).toEqual(['csv', 'tensorboard']);
  const steps = fs
    .readFileSync(path.join(out, 'csv', 'colours', 'steps.csv'), 'utf8')
    .trim()
    .split('\r\n');
  expect(steps).toHaveLength(3);
  await expect(call(runsLog, id, '--format', 'csv', '--out', out)).rejects.toThrow(/exists already/);
  await expect(call(runsLog, 'nobody', '--out', out)).rejects.toThrow(/There is no run "nobody"; "runs list" shows/);
  await expect(call(runsLog, id, '--format', 'xml', '--out', out)).rejects.toThrow(
    /out of tensorboard, csv, json, mlflow/,
  );
  await expect(call(runsLog, id)).rejects.toThrow(/--out is missing; give a folder/);
});
