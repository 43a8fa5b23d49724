/** `targets list`, `targets add`, `targets check`, `targets remove`: other machines for `train --on`. */
import { counted } from '../../../src-shared/plural.ts';
import type { RemoteTarget, TargetFinding } from '../../../src-shared/remoteTargets.ts';
import type { Command } from './command.ts';
import { table } from './format.ts';
import { TARGET_OPTIONS, targetOf } from './targetOptions.ts';

export const targetsList: Command = {
  name: 'targets list',
  positionals: [],
  summary: 'Lists the other machines on which runs can be trained.',
  options: {},
  async run({ api, print }) {
    const targets = await api.targets.list();
    const rows = targets.map((target) => [target.name, target.kind, placeOf(target), target.workDir, moreOf(target)]);
    if (rows.length > 0) table(['NAME', 'KIND', 'HOST', 'WORK FOLDER', 'OPTIONS'], rows).forEach(print);
    else print('Runs are trained on this machine only; "targets add NAME" names another.');
    return { targets };
  },
};

export const targetsAdd: Command = {
  name: 'targets add',
  positionals: ['NAME'],
  summary: 'Names a Slurm cluster or another machine, so that runs can be trained there; nothing is asked of it yet.',
  options: {
    ...TARGET_OPTIONS,
    replace: { type: 'boolean', help: 'in place of the target of this name' },
  },
  async run({ api, args, print }) {
    const target = await api.targets.add({ target: targetOf(args), replace: args.flag('replace') });
    print(`Added ${target.name}: ${target.kind}, ${placeOf(target)}, ${target.workDir}.`);
    print(`See what is missing there: targets check "${target.name}"`);
    return target;
  },
};

export const targetsCheck: Command = {
  name: 'targets check',
  positionals: ['NAME'],
  summary: 'Asks a target for all that a run needs there, and says how to mend what is missing.',
  options: {},
  async run({ api, args, print, say }) {
    const name = args.positionals[0]!;
    say(`Asking ${name} …`);
    const check = await api.targets.check({ name });
    for (const finding of check.findings) lines(finding).forEach(print);
    print(check.usable ? `${name} can be used.` : `${name} cannot be used yet.`);
    return { name, ...check };
  },
};

export const targetsRemove: Command = {
  name: 'targets remove',
  positionals: ['NAME'],
  summary: 'Forgets a target; its runs stay in the catalogue, and nothing is removed on the target itself.',
  options: {},
  async run({ api, args, print }) {
    const removed = await api.targets.remove({ name: args.positionals[0]! });
    print(`Removed ${removed.removed}.`);
    return removed;
  },
};

function placeOf({ connection }: RemoteTarget): string {
  if (!connection) return 'this machine';
  return connection.port === undefined ? connection.host : `${connection.host}:${connection.port}`;
}

/** What of it is not as it is by itself. */
function moreOf(target: RemoteTarget): string {
  const options = target.kind === 'slurm' ? Object.entries(target.options) : [];
  return [
    ...options.map(([name, value]) => `${name}=${value}`),
    ...(target.processes > 1 ? [counted(target.processes, ['process', 'processes'])] : []),
  ].join(' ');
}

function lines({ what, state, sentence, mend }: TargetFinding): string[] {
  return [`${state.padEnd(8)}${what}: ${sentence}`, ...(mend === undefined ? [] : [`        Mend it there: ${mend}`])];
}
