import { expect, it } from 'vitest';
import { exportAnnouncement, runAnnouncement } from './announce.ts';

const run = { id: 'run-1', name: 'colours', error: null, result: null };

it('tells the end of a run, good or bad, and leads to it', () => {
  expect(
    runAnnouncement({ ...run, status: 'failed', error: { code: 'OUT_OF_MEMORY', message: 'Memory ran out.' } }),
  ).toEqual({
    title: 'colours failed',
    text: 'Memory ran out.',
    tone: 'bad',
    hash: '#/runs/run-1',
  });
  expect(runAnnouncement({ ...run, status: 'completed' })).toMatchObject({ title: 'colours is trained', tone: 'good' });
});

it('is silent about what the user did, and about what goes on', () => {
  for (const status of ['stopped', 'running', 'queued', 'paused'] as const)
    expect(runAnnouncement({ ...run, status })).toBeUndefined();
  const record = {
    outDir: '/e/colours-merged',
    kind: 'merged' as const,
    error: { code: 'EXPORT_CANCELLED' as const, message: '' },
    result: null,
  };
  expect(exportAnnouncement({ ...record, status: 'failed' })).toBeUndefined();
  expect(exportAnnouncement({ ...record, status: 'running', error: null })).toBeUndefined();
});

it('tells the end of an export', () => {
  const record = { outDir: '/e/colours-merged', kind: 'merged' as const, result: null };
  expect(exportAnnouncement({ ...record, status: 'completed', error: null })).toMatchObject({
    title: 'colours-merged is exported',
    hash: '#/export',
  });
  expect(
    exportAnnouncement({ ...record, status: 'failed', error: { code: 'DISK_FULL', message: 'Full.' } }),
  ).toMatchObject({ title: 'Exporting colours-merged failed', text: 'Full.' });
});
