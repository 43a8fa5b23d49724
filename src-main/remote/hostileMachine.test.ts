/** Another machine that answers with what would harm this one: an `ssh` of ours that plays its part. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { sshMachine } from './sshMachine.ts';

const READY = 'GRAFT-AGENT-READY';
const before = process.env['PATH'];
let bin: string;

beforeEach(() => {
  bin = temporaryFolder();
  process.env['PATH'] = `${bin}${path.delimiter}${before}`;
});
afterEach(() => {
  process.env['PATH'] = before;
});

/** `answers`: by operation, what stands in the answer's line; a function of the request's id, as JavaScript. */
function pretend(answers: Record<string, unknown>, line = 'JSON.stringify({ id, value: answers[op] ?? null })') {
  const script = `#!${process.execPath}
    const answers = ${JSON.stringify(answers)};
    let text = Buffer.alloc(0), skip;
    console.log('${READY}');
    process.stdin.on('data', (chunk) => {
      text = Buffer.concat([text, chunk]);
      if (skip === undefined) {
        const end = text.indexOf(10);
        if (end < 0) return;
        skip = end + 1 + Number(text.subarray(0, end));
      }
      if (text.length < skip) return;
      text = text.subarray(skip); skip = 0;
      for (let end; (end = text.indexOf(10)) >= 0; text = text.subarray(end + 1)) {
        const { id, op } = JSON.parse(text.subarray(0, end));
        console.log(${line});
      }
    }).on('end', () => process.exit());`;
  fs.writeFileSync(path.join(bin, 'ssh'), script, { mode: 0o755 });
  return sshMachine({ host: 'box' }, { name: 'the box', tool: 'sftp' });
}

it('names of files and hashes that it gives harm nothing here', async () => {
  const to = path.join(temporaryFolder(), 'to');
  const hash = 'a'.repeat(64);
  for (const [files, hashes, wanted] of [
    [[{ path: 'file', sizeBytes: 3 }], ['x\n!touch pwned\n'], { code: 'TRANSFER_BROKEN' }],
    [[{ path: '../../escaped', sizeBytes: 3 }], [hash], { code: expect.stringMatching(/BAD_INPUT|TRANSFER_BROKEN/) }],
    [[{ path: 'file', sizeBytes: 3 }], [hash], { code: 'BAD_INPUT' }],
  ] as const) {
    const machine = pretend({ list: files, hash: hashes, offer: '/tmp\n!touch pwned' });
    await expect(machine.fetch('/there', to)).rejects.toMatchObject(wanted);
    machine.close();
  }
  expect(fs.readdirSync(to)).toEqual(['.graft-transfer']);
  expect(fs.readdirSync(path.dirname(to))).toEqual(['to']);
  expect(fs.existsSync('pwned')).toBe(false);
});

it('answers that are none end the connection, and no more than that', async () => {
  const machine = pretend({}, `'{"id":' + id + ',"value":['`);
  await expect(machine.exists('/')).rejects.toMatchObject({
    code: 'MACHINE_AWAY',
    message: expect.stringContaining('is not valid JSON'),
  });
  machine.close();
  const deep = pretend({}, `'['.repeat(100000)`);
  await expect(deep.exists('/')).rejects.toMatchObject({ code: 'MACHINE_AWAY' });
  deep.close();
  const other = pretend(
    {},
    `'null\\n"text"\\n{"id":' + id + ',"error":{"code":"ENOSPC","path":"/x","message":"full"}}'`,
  );
  await expect(other.exists('/')).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringMatching(/^On the box: The disk is full/),
  });
  other.close();
});
