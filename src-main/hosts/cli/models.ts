/** `models add`, `models list`. */
import { counted } from '../../../src-shared/plural.ts';
import type { Command } from './command.ts';
import { bytes, count, table } from './format.ts';

export const modelsAdd: Command = {
  name: 'models add',
  positionals: ['PATH'],
  summary: 'Registers a Hugging Face folder or a GGUF file as a base model; it is read in place.',
  options: { name: { type: 'string', value: 'NAME', help: 'name in the catalogue (that of the folder or file)' } },
  async run({ api, args, print }) {
    const model = await api.models.add({ dir: args.positionals[0]!, name: args.text('name') });
    print(
      `Added ${model.name} (${model.id}): ${model.family}, ${counted(model.parameters, 'parameter')}, ` +
        `${counted(model.layers, 'layer')}, ${typeOf(model)}, ${bytes(model.sizeBytes)}.`,
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
    const rows = models.map((m) => [
      m.id,
      m.name,
      m.family,
      count(m.parameters),
      typeOf(m),
      bytes(m.sizeBytes),
      m.gguf?.file ?? m.dir,
    ]);
    if (rows.length > 0) table(['ID', 'NAME', 'FAMILY', 'PARAMETERS', 'DTYPE', 'SIZE', 'PLACE'], rows).forEach(print);
    else print('There is no base model yet; add one with "models add PATH".');
    return { models };
  },
};

/** How a GGUF file calls its quantisation, else the number format of most weights. */
function typeOf({ gguf, dtype }: { gguf?: { quantisation: string }; dtype: string }): string {
  return gguf?.quantisation ?? dtype;
}
