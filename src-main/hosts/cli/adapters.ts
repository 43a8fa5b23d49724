/** `adapters list`, `adapters show`, `adapters import`, `adapters remove`. */
import path from 'node:path';
import type { Command } from './command.ts';
import { bytes, loss, table } from './format.ts';
import { modelIdOf } from './resolve.ts';

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

export const adaptersImport: Command = {
  name: 'adapters import',
  positionals: ['PATH'],
  summary:
    "Copies an adapter into the catalogue: a folder of PEFT's, Graft's or mlx-lm's, a LoRA in a GGUF file, or one of " +
    "loralib's (.pt).",
  options: {
    task: { type: 'string', value: 'NAME', help: 'task that it belongs to; made where there is none (imported)' },
    name: { type: 'string', value: 'NAME', help: 'name in the catalogue (that of the folder or file)' },
    model: { type: 'string', value: 'ID', help: 'id, name or folder of the base model (the likeliest that fits)' },
    alpha: { type: 'string', value: 'N', help: "alpha of a LoRA of loralib's, which does not store it" },
  },
  async run({ api, services, args, print }) {
    const dir = path.resolve(args.positionals[0]!);
    const model = args.text('model');
    const modelId = model === undefined ? undefined : modelIdOf(services, model);
    const alpha = args.positive('alpha');
    const found = await api.adapters.inspect({ dir, alpha });
    const adapter = await api.adapters.import({
      dir,
      alpha,
      taskName: args.text('task') ?? found.task ?? 'imported',
      name: args.text('name') ?? found.name,
      ...(modelId === undefined ? {} : { modelId }),
    });
    const how = found.format === null ? '' : `, made from ${found.format}`;
    print(`Imported ${adapter.name} (${adapter.id}) into ${adapter.taskName}, on ${adapter.modelName}${how}.`);
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
