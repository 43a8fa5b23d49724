import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { workerEnvironment } from './environment.ts';

it.skipIf(process.platform !== 'linux')('a worker sees the allocator settings, and the whole of its parent', () => {
  const seen = execFileSync(
    process.execPath,
    ['-p', 'JSON.stringify([process.env.GLIBC_TUNABLES, process.env.PATH])'],
    { env: workerEnvironment(), encoding: 'utf8' },
  );
  const [tunables, path] = JSON.parse(seen) as [string, string];
  expect(tunables).toContain('glibc.malloc.hugetlb=1');
  expect(path).toBe(process.env['PATH']);
});

it("the user's own setting wins", () => {
  const before = process.env['GLIBC_TUNABLES'];
  process.env['GLIBC_TUNABLES'] = 'glibc.malloc.check=0';
  try {
    expect(workerEnvironment()['GLIBC_TUNABLES']).toBe('glibc.malloc.check=0');
  } finally {
    if (before === undefined) delete process.env['GLIBC_TUNABLES'];
    else process.env['GLIBC_TUNABLES'] = before;
  }
});

it('the graphics card of the settings goes along, unless the environment names one', () => {
  const before = process.env['GRAFT_GPU'];
  delete process.env['GRAFT_GPU'];
  try {
    expect(workerEnvironment('RTX 4060')['GRAFT_GPU']).toBe('RTX 4060');
    expect(workerEnvironment(null)['GRAFT_GPU']).toBeUndefined();
    process.env['GRAFT_GPU'] = '1';
    expect(workerEnvironment('RTX 4060')['GRAFT_GPU']).toBe('1');
  } finally {
    if (before === undefined) delete process.env['GRAFT_GPU'];
    else process.env['GRAFT_GPU'] = before;
  }
});
