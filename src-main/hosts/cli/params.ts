/** `params`: how many parameters a method would train. */
import { look } from '../../app/looking/look.ts';
import { describeMethod } from '../../../src-shared/methods/registry.ts';
import { MODEL_OPTION } from './command.ts';
import type { Command } from './command.ts';
import { bytes, count } from './format.ts';
import { METHOD_OPTIONS, readMethod } from './methodOptions.ts';
import { modelDirOf } from './resolve.ts';

export const params: Command = {
  name: 'params',
  positionals: [],
  summary: 'Says how many parameters a method would train, by formula.',
  options: { model: MODEL_OPTION, ...METHOD_OPTIONS },
  async run({ args, services, print }) {
    const method = readMethod(args);
    const modelDir = modelDirOf(services, args.required('model', 'the folder of the base model'));
    const view = await look('trainableIn', [modelDir, method]);
    const { name, details } = describeMethod(method);
    print(
      `${name}${details ? ` (${details})` : ''}: ${count(view.count)} trained parameters, ` +
        `${(100 * view.share).toPrecision(3)} % of the base, ${bytes(view.adapterBytes)}`,
    );
    print(view.formula);
    return { method, modelDir, ...view };
  },
};
