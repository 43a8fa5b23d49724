/** The form of a target: what it makes, what it takes back, and what it says at which field. */
import { describe, expect, it } from 'vitest';
import { remoteTargetSchema, type NewRemoteTarget } from '../../../../src-shared/remoteTargets.ts';
import { emptyFields, fieldsOf, needsFold, targetFrom, type TargetFields } from './targetForm.ts';

const lab: Partial<TargetFields> = { name: 'lab', workDir: '/scratch/me' };
const pc: Partial<TargetFields> = { name: 'pc', workDir: '~/graft', host: 'me@pc' };
const form = (kind: TargetFields['kind'], fields: Partial<TargetFields>): TargetFields => ({
  ...emptyFields(kind),
  ...fields,
});
const option = (options: Partial<TargetFields['options']>) => ({ ...emptyFields().options, ...options });

describe('the form of a target', () => {
  it.each<NewRemoteTarget>([
    { kind: 'slurm', name: 'lab', workDir: '/scratch/me' },
    {
      ...{ kind: 'slurm', name: 'far lab', workDir: '~/g', node: '/opt/node', graft: '~/graft', atATime: 4 },
      ...{ processes: 4, mpirun: '/opt/mpirun', threads: 8, options: { partition: 'gpu', 'cpus-per-task': '8' } },
      connection: { host: 'me@login', port: 2222, identityFile: '/home/me/key', configFile: '/home/me/config' },
    },
    { kind: 'ssh', name: 'pc', workDir: '/graft', connection: { host: 'pc' } },
  ])('%# goes into the form and comes back the same', (target) => {
    const whole = remoteTargetSchema.parse(target);
    expect(targetFrom(fieldsOf(whole))).toEqual({ target: whole });
  });

  it('leaves out what belongs to the other kind', () => {
    const made = targetFrom(form('ssh', { ...pc, atATime: 3, options: option({ mem: '4G' }) }));
    expect(made).toEqual({
      target: {
        ...{ kind: 'ssh', name: 'pc', workDir: '~/graft', processes: 1, mpirun: 'mpirun' },
        connection: { host: 'me@pc' },
      },
    });
  });

  it.each([
    ['slurm', { ...lab, name: ' ' }, { name: 'This is needed.' }],
    ['slurm', { ...lab, name: 'local' }, { name: 'Is the name of this machine; choose another' }],
    ['slurm', { ...lab, workDir: '~/graft' }, { workDir: 'Must begin with /' }],
    ['slurm', { ...lab, port: 22 }, { host: 'Name the host to which the rest belongs.' }],
    [
      'slurm',
      { ...lab, options: option({ mem: 'a\tb' }) },
      { 'options.mem': 'Must be one line without control characters' },
    ],
    ['slurm', { ...lab, options: option({ mem: 'x'.repeat(201) }) }, { 'options.mem': 'At most 200 characters.' }],
    ['slurm', { ...lab, processes: 1025 }, { processes: 'At most 1024.' }],
    [
      'slurm',
      { ...lab, processes: 0, threads: 1.5 },
      {
        processes: 'A whole number from 1 on.',
        threads: 'A whole number from 1 on.',
      },
    ],
    ['ssh', { ...pc, host: '' }, { host: 'This is needed.' }],
    [
      'ssh',
      { ...pc, host: '-F x' },
      {
        host: 'Must be a host or user@host, as ssh takes it, and not begin with a dash',
      },
    ],
    [
      'ssh',
      { ...pc, node: '$(id)' },
      {
        node: 'Must begin with / or ~ and consist of letters, digits and the characters _ . / + @ = , : -',
      },
    ],
    ['ssh', { ...pc, identityFile: 'key' }, { identityFile: 'Must begin with /' }],
  ] as const)('%s %j is told at its field', (kind, fields, problems) => {
    expect(targetFrom(form(kind, fields))).toEqual({ problems });
  });

  it('opens its fold where something in it is filled in or wrong', () => {
    expect(needsFold(form('slurm', { ...lab, options: option({ partition: 'gpu' }) }), {})).toBe(false);
    expect(needsFold(form('slurm', { ...lab, options: option({ qos: 'high' }) }), {})).toBe(true);
    expect(needsFold(form('ssh', { ...pc, options: option({ qos: 'high' }) }), {})).toBe(false);
    expect(needsFold(form('ssh', { ...pc, port: 2222 }), {})).toBe(true);
    expect(needsFold(form('ssh', pc), { mpirun: 'This is needed.' })).toBe(true);
  });
});
