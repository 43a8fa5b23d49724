import { expect, it } from 'vitest';
import { runAnnouncement } from '../../src-shared/runAnnouncement.ts';
import { announcementsWanted, exportAnnouncement, studyAnnouncement } from './announce.ts';

const run = { id: 'run-1', name: 'colours', error: null, result: null };

it('tells the end of a run, good or bad, and leads to it', () => {
  expect(
    runAnnouncement({ ...run, status: 'failed', error: { code: 'OUT_OF_MEMORY', message: 'Memory ran out.' } }, null),
  ).toEqual({
    title: 'colours failed',
    text: 'Memory ran out.',
    tone: 'bad',
    hash: '#/runs/run-1',
  });
  const completed = { ...run, status: 'completed' };
  expect(runAnnouncement(completed, null)).toMatchObject({ title: 'colours is trained', tone: 'good' });
  expect(runAnnouncement(completed, { kind: 'overfits', seen: 'The validation loss rose.' })).toMatchObject({
    title: 'colours has ended',
    text: 'It overfits: keep the best values, or train for fewer steps.',
    tone: 'bad',
  });
});

it('is silent about what the user did, and about what goes on', () => {
  for (const status of ['stopped', 'running', 'queued', 'paused'] as const)
    expect(runAnnouncement({ ...run, status }, null)).toBeUndefined();
  const record = {
    outDir: '/e/colours-merged',
    format: 'hf' as const,
    error: { code: 'EXPORT_CANCELLED' as const, message: '' },
    result: null,
  };
  expect(exportAnnouncement({ ...record, status: 'failed' })).toBeUndefined();
  expect(exportAnnouncement({ ...record, status: 'running', error: null })).toBeUndefined();
});

it('tells the end of a study once, by its verdict, and failures as they come', () => {
  const study = { id: 'study-1', name: 'ranks', verdict: null, state: 'under way' as const };
  const good = runAnnouncement({ ...run, status: 'completed' }, null);
  const error = { code: 'OUT_OF_MEMORY' as const, message: 'Memory ran out.' };
  const bad = runAnnouncement({ ...run, status: 'failed', error }, null);
  expect(studyAnnouncement(study, good)).toBeUndefined();
  expect(studyAnnouncement(study, bad)).toBe(bad);
  // The last run may be one that was ended early, of which nothing is told.
  expect(studyAnnouncement({ ...study, state: 'done', verdict: 'r = 4 is as good.' }, undefined)).toEqual({
    title: 'ranks is done',
    text: 'r = 4 is as good.',
    tone: 'good',
    hash: '#/runs?study=study-1',
  });
});

it('tells the end of an export', () => {
  const record = { outDir: '/e/colours-merged', format: 'hf' as const, result: null };
  expect(exportAnnouncement({ ...record, status: 'completed', error: null })).toMatchObject({
    title: 'colours-merged is exported',
    hash: '#/export',
  });
  expect(
    exportAnnouncement({ ...record, status: 'failed', error: { code: 'DISK_FULL', message: 'Full.' } }),
  ).toMatchObject({ title: 'Exporting colours-merged failed', text: 'Full.' });
});

it('asks the system only while the window is not in front, and only where that is allowed', () => {
  const now = { wanted: true, focused: false, permission: 'granted', seen: false };
  expect(announcementsWanted(now)).toEqual({ toast: true, system: true });
  expect(announcementsWanted({ ...now, focused: true }).system).toBe(false);
  expect(announcementsWanted({ ...now, permission: 'default' }).system).toBe(false);
  expect(announcementsWanted({ ...now, wanted: false })).toEqual({ toast: false, system: false });
});
