import { describe, expect, it } from 'vitest';
import type { AwayView } from '../../../src-shared/away.ts';
import { formatDate } from '../format.ts';
import { awayPlace, awayState, awayWord, heardOf, loadText } from './awayText.ts';

const NOW = Date.parse('2026-12-01T12:00:00Z');
const away = (changes: Partial<AwayView> = {}): AwayView => ({
  ...{ target: 'lab', kind: 'slurm', phase: 'running', slurmJob: '1234', arrayTask: 5, host: 'n1' },
  ...{ note: null, seenAt: '2026-12-01T11:59:48Z', startsAt: null, isCutOff: false },
  ...changes,
});
const pc = (changes: Partial<AwayView> = {}) =>
  away({ kind: 'ssh', target: 'second PC', slurmJob: null, arrayTask: null, ...changes });

describe('where a run is trained', () => {
  it.each([
    [away(), 'On cluster lab, Slurm job 1234_5 on node n1.'],
    [away({ arrayTask: 0, host: null }), 'On cluster lab, Slurm job 1234_0.'],
    [away({ arrayTask: null }), 'On cluster lab, Slurm job 1234 on node n1.'],
    [away({ phase: 'sending', slurmJob: null, arrayTask: null, host: null }), 'On cluster lab.'],
    [away({ phase: 'completed' }), 'Trained on cluster lab, Slurm job 1234_5 on node n1.'],
    [away({ phase: 'failed', host: null }), 'Trained on cluster lab, Slurm job 1234_5.'],
    [pc(), 'On second PC, which calls itself n1.'],
    [pc({ host: null }), 'On second PC.'],
    [pc({ host: 'second PC', phase: 'stopped' }), 'Trained on second PC.'],
  ])('%# in a sentence', (view, sentence) => expect(awayPlace(view)).toBe(sentence));

  it('what it waits for', () => {
    const startsAt = '2026-12-01T14:00:00Z';
    expect(awayState(away())).toBeUndefined();
    expect(awayWord(away())).toBeUndefined();
    expect(awayState(away({ phase: 'sending' }))).toMatch(/not all arrived/);
    expect(awayState(away({ phase: 'waiting' }))).toBe('It waits there for its turn.');
    expect(awayState(away({ phase: 'waiting', startsAt }))).toContain(`to begin on ${formatDate(startsAt)}.`);
    expect(awayWord(away({ phase: 'waiting', startsAt }))).toBe(`expected to begin ${formatDate(startsAt)}`);
    expect(awayState(pc({ phase: 'waiting' }))).toMatch(/as soon as no other run/);
    expect(awayState(pc({ phase: 'interrupted' }))).toMatch(/has kept its state/);
  });

  it('when it was last heard of', () => {
    expect(heardOf(away(), NOW)).toBe('Last heard of 12 s ago.');
    expect(heardOf(away({ seenAt: '2026-12-01T11:59:52Z' }), NOW)).toBe('Heard of just now.');
    expect(heardOf(away({ phase: 'paused' }), NOW)).toBeUndefined();
    expect(heardOf(away({ seenAt: null }), NOW)).toBeUndefined();
    expect(heardOf(away({ phase: 'sending' }), NOW)).toBeUndefined();
    expect(heardOf(away({ phase: 'completed' }), NOW)).toBeUndefined();
  });
});

it('how busy a target is', () => {
  const startsAt = new Date(Date.now() + 3_600_000).toISOString();
  expect(loadText({ waiting: 1, running: 34, startsAt }, 'slurm')).toEqual([
    'Jobs under way there: 34; jobs that wait: 1.',
    `A run sent now is expected to begin on ${formatDate(startsAt)}.`,
  ]);
  const now = new Date().toISOString();
  expect(loadText({ waiting: null, running: null, startsAt: now }, 'slurm')).toEqual([
    'How busy it is, the cluster does not say.',
    'A run sent now is expected to begin at once.',
  ]);
  expect(loadText({ waiting: 7, running: null, startsAt: null }, 'slurm')).toEqual(['Jobs that wait there: 7.']);
  expect(loadText({ waiting: null, running: 1200, startsAt: null }, 'slurm')).toEqual(['Jobs under way there: 1,200.']);
  expect(loadText({ waiting: 0, running: 0, startsAt: null }, 'ssh')).toEqual([
    'It answers, and no run of Graft is under way there.',
  ]);
  expect(loadText({ waiting: 2, running: 1, startsAt: null }, 'ssh')).toEqual([
    'Runs of Graft under way there: 1; runs that wait: 2.',
  ]);
});
