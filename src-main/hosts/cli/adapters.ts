/** `adapters list`, `adapters show`, `adapters remove`. */
import type { Command } from './command.ts';
import { bytes, loss, table } from './format.ts';

export const adaptersList: Command = {
  name: 'adapters list',
  positionals: [],
  summary: 'Lists the trained adapters.',
  options: {},
  async run({ api, print }) {
    const adapters = await api.adapters.list({});
    const rows = adapters.map((a) => [
      a.active ? '*' : '',
      a.id,
      a.taskName,
      a.modelName ?? '?',
      a.methodText.name,
      a.methodText.details,
      loss(a.valLoss),
      bytes(a.sizeBytes),
    ]);
    if (rows.length > 0)
      table(['', 'ID', 'TASK', 'MODEL', 'METHOD', 'SETTINGS', 'VAL LOSS', 'SIZE'], rows).forEach(print);
    else print('There is no adapter yet; "train" makes one.');
    return { adapters };
  },
};

export const adaptersShow: Command = {
  name: 'adapters show',
  positionals: ['ID'],
  summary: 'Shows one adapter.',
  options: {},
  async run({ api, args, print }) {
    const adapter = await api.adapters.get({ id: args.positionals[0]! });
    print(`${adapter.id}  ${adapter.name}`);
    print(`task       ${adapter.taskName}${adapter.active ? ' (active)' : ''}`);
    print(`base       ${adapter.modelName ?? 'not in the catalogue'}  ${adapter.baseHash.slice(0, 12)}`);
    print(`method     ${[adapter.methodText.name, adapter.methodText.details].filter(Boolean).join(', ')}`);
    print(`loss       final ${loss(adapter.finalLoss)}, validation ${loss(adapter.valLoss)}`);
    print(`file       ${adapter.dir}  ${bytes(adapter.sizeBytes)}  sha256 ${adapter.sha256}`);
    return adapter;
  },
};

export const adaptersRemove: Command = {
  name: 'adapters remove',
  positionals: ['ID'],
  summary: 'Removes an adapter from the catalogue and from disk.',
  options: {},
  async run({ api, args, print }) {
    const removed = await api.adapters.remove({ id: args.positionals[0]! });
    print(`Removed ${removed.removed}.`);
    return removed;
  },
};
