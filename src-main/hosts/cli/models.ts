/** `models add`, `models list`. */
import { counted } from '../../../src-shared/plural.ts';
import type { Command } from './command.ts';
import { bytes, count, table } from './format.ts';

export const modelsAdd: Command = {
  name: 'models add',
  positionals: ['DIR'],
  summary: 'Registers a Hugging Face folder as a base model; it is read in place.',
  options: { name: { type: 'string', value: 'NAME', help: 'name in the catalogue (the name of the folder)' } },
  async run({ api, args, print }) {
    const model = await api.models.add({ dir: args.positionals[0]!, name: args.text('name') });
    print(
      `Added ${model.name} (${model.id}): ${model.family}, ${counted(model.parameters, 'parameter')}, ` +
        `${counted(model.layers, 'layer')}, ${model.dtype}, ${bytes(model.sizeBytes)}.`,
    );
    model.notes?.forEach(print);
    return model;
  },
};

export const modelsList: Command = {
  name: 'models list',
  positionals: [],
  summary: 'Lists the registered base models.',
  options: {},
  async run({ api, print }) {
    const models = await api.models.list();
    const rows = models.map((m) => [m.id, m.name, m.family, count(m.parameters), m.dtype, bytes(m.sizeBytes), m.dir]);
    if (rows.length > 0) table(['ID', 'NAME', 'FAMILY', 'PARAMETERS', 'DTYPE', 'SIZE', 'FOLDER'], rows).forEach(print);
    else print('There is no base model yet; add one with "models add DIR".');
    return { models };
  },
};
