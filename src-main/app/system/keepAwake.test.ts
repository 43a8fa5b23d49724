/** When the machine is kept awake, and that the system's program ends with Graft. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { fakeTrainer } from '../../../test-support/fakes/fakeTrainer.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { systemStayAwake } from './keepAwake.ts';

let b: TestBench | undefined;
afterEach(() => b?.close());

it('keeps awake while a run is under way, and only where it is wanted', async () => {
  const said: string[] = [];
  const stayAwake = () => {
    said.push('awake');
    return () => void said.push('asleep');
  };
  b = openBench({ stayAwake, spawnWorker: fakeTrainer({ lossOf: () => 1, holds: () => true }) });
  const { runs, settings } = b.services;
  const first = await runs.start(await smallRun(b, { steps: 9 }));
  await untilEvent(b, first.id, (event) => event.type === 'step');
  expect(said).toEqual(['awake']);
  settings.save({ keepAwake: false });
  expect(said).toEqual(['awake', 'asleep']);
  settings.save({ keepAwake: true });
  runs.stop(first.id);
  await runs.finished(first.id);
  expect(said).toEqual(['awake', 'asleep', 'awake', 'asleep']);
});

const MODULE = path.join(import.meta.dirname, 'keepAwake.ts');

/** A systemd-inhibit that notes how it was called and then is the program that it was given, as the real one. */
function fakeInhibit(): { dir: string; note: string } {
  const dir = temporaryFolder();
  const note = path.join(dir, 'note');
  const script = `#!/bin/sh\necho "$$ $*" > ${note}\nshift 4\nexec "$@"\n`;
  fs.writeFileSync(path.join(dir, 'systemd-inhibit'), script, { mode: 0o755 });
  return { dir, note };
}

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it.skipIf(process.platform === 'win32')('what keeps Linux awake ends with the process, even a killed one', async () => {
  const { dir, note } = fakeInhibit();
  const code = `
    const { systemStayAwake } = await import(${JSON.stringify(MODULE)});
    systemStayAwake('linux')();
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...process.env, PATH: `${dir}${path.delimiter}${process.env['PATH'] ?? ''}` },
    stdio: 'ignore',
  });
  while (!fs.existsSync(note) || fs.readFileSync(note, 'utf8') === '') await sleep(20);
  const [pid, ...args] = fs.readFileSync(note, 'utf8').trim().split(' ');
  expect(args.join(' ')).toBe('--what=sleep:idle --who=Graft --why=A run is under way --mode=block cat');
  expect(isThere(Number(pid))).toBe(true);
  child.kill('SIGKILL');
  while (isThere(Number(pid))) await sleep(20);
});

it('does nothing where the program is missing, and has no way on other systems', () => {
  expect(systemStayAwake('win32')).toBeUndefined();
  const { PATH } = process.env;
  process.env['PATH'] = '/nowhere';
  try {
    systemStayAwake('linux')!()();
  } finally {
    process.env['PATH'] = PATH;
  }
});
