/** What a job's file of events may hold, read piece by piece into the catalogue. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import type { JobEvent } from '../../../src-shared/jobs.ts';
import { localMachine } from '../../remote/localMachine.ts';
import { readNews } from './follow.ts';

async function job(): Promise<{ opened: TestBench; id: string; file: string; read: () => Promise<string[]> }> {
  const opened = openBench({ takeQueued: false });
  onTestFinished(() => opened.close());
  const { catalog, runs } = opened.services;
  const { id } = await runs.start(await smallRun(opened), { begin: false });
  const jobDir = path.join(opened.dir, 'job');
  fs.mkdirSync(jobDir);
  catalog.targets.save({
    ...{ kind: 'slurm', name: 'lab', workDir: opened.dir, processes: 1, mpirun: 'mpirun', options: {} },
  } as never);
  catalog.away.save({
    ...{ runId: id, target: 'lab', jobDir, slurmJob: '1', arrayTask: null, pid: null, phase: 'running' },
    ...{ attempt: 0, readBytes: 0, retries: 0, note: null, seenAt: null },
  });
  let toldBytes: number | undefined;
  const read = async (): Promise<string[]> => {
    const told: JobEvent[] = [];
    toldBytes = await readNews(
      localMachine(),
      catalog,
      { runId: id, jobDir },
      { toldBytes, tell: (e) => told.push(e) },
    );
    return told.map((event) => (event.type === 'log' ? event.message : event.type));
  };
  return { opened, id, file: path.join(jobDir, 'events.jsonl'), read };
}

const line = (message: string): string =>
  `${JSON.stringify({ type: 'log', message, seq: 1, attempt: 1, atMs: Date.now() })}\n`;
const logOf = ({ services }: TestBench, id: string): string[] =>
  services.runHistory.log({ id, after: 0 }).map(({ message }) => message);

it('garbage, half a line and a line of 40 MiB cost nothing of what stands around them', async () => {
  const { opened, id, file, read } = await job();
  fs.writeFileSync(
    file,
    `${line('one')}{"type":"step","seq":1}\n\u0000\u0000\n${'['.repeat(1000)}\n${line('two')}{"type`,
  );
  expect(await read()).toEqual(['one', 'two']);
  expect(await read()).toEqual([]);
  fs.appendFileSync(file, `":"log"}\n${'x'.repeat(40 << 20)}\n${line('three')}`);
  expect(await read()).toEqual(['three']);
  expect(logOf(opened, id)).toEqual(['one', 'two', 'three']);
});

it('a file that has been begun anew is read from its beginning', async () => {
  const { opened, id, file, read } = await job();
  fs.writeFileSync(file, line('of the first') + line('of the first, too'));
  await read();
  fs.writeFileSync(file, line('of the second'));
  expect(await read()).toEqual(['of the second']);
  expect(logOf(opened, id)).toEqual(['of the first', 'of the first, too', 'of the second']);
});

it('what another Graft has recorded is told here, and not recorded again', async () => {
  const { opened, id, file, read } = await job();
  fs.writeFileSync(file, line('one'));
  expect(await read()).toEqual(['one']);
  fs.appendFileSync(file, line('two'));
  opened.services.catalog.away.update(id, { readBytes: fs.statSync(file).size });
  expect(await read()).toEqual(['two']);
  expect(logOf(opened, id)).toEqual(['one']);
});
