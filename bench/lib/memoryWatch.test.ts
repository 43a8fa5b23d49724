/** Memory of another process, from what Linux says of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MemoryWatch, parseStatus } from './memoryWatch.ts';

describe('parseStatus', () => {
  it('tells shared memory from the rest', () => {
    const status = 'Name:\tnode\nVmHWM:\t  900 kB\nVmRSS:\t     700 kB\nRssAnon:\t 300 kB\nRssShmem:\t     250 kB\n';
    expect(parseStatus(status)).toEqual({
      residentBytes: 700 * 1024,
      sharedBytes: 250 * 1024,
      hostBytes: 450 * 1024,
    });
  });

  it('knows nothing of a process that has ended', () => {
    expect(parseStatus('')).toBeNull();
    expect(parseStatus('Name:\tnode\nState:\tZ (zombie)\n')).toBeNull();
  });
});

describe.skipIf(process.platform !== 'linux')('MemoryWatch', () => {
  it('sees what a process held for a moment', async () => {
    const script =
      "process.stdin.once('data', () => { globalThis.x = Buffer.alloc(200e6, 1); " +
      "setTimeout(() => console.log('held'), 300); });";
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    try {
      const watch = new MemoryWatch(child.pid!);
      child.stdin.write('go\n');
      await once(child.stdout, 'data');
      expect(watch.stop()!.hostBytes).toBeGreaterThan(200e6);
    } finally {
      child.kill();
    }
  });
});
