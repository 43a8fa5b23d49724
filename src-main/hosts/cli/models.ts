/** `models add`, `models list`, `models found`, `models recommended`. */
import { counted } from '../../../src-shared/plural.ts';
import { formText } from '../../../src-shared/fit.ts';
import type { ModelFit } from '../../../src-shared/plan.ts';
import { bestModel, cardAddress } from '../../../src-shared/recommendedModel.ts';
import { RECOMMENDED_MODELS } from '../../../src-shared/recommendedModels.ts';
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

export const modelsFound: Command = {
  name: 'models found',
  positionals: [],
  summary: 'Looks where Hugging Face, LM Studio, Ollama and llama.cpp keep models, and says which Graft can use.',
  options: {},
  async run({ api, print }) {
    const places = await api.models.found();
    const rows = places.flatMap(({ models }) =>
      models.map((m) => [m.name, m.place, m.form, bytes(m.sizeBytes), m.problem === null ? 'yes' : 'no', m.path]),
    );
    if (rows.length > 0) table(['NAME', 'PLACE', 'FORM', 'SIZE', 'USABLE', 'PATH'], rows).forEach(print);
    else print('No further model of Hugging Face, LM Studio, Ollama or llama.cpp was found on this machine.');
    for (const { models, problem } of places) {
      if (problem !== null) print(problem);
      for (const model of models) if (model.problem !== null) print(`${model.name}: ${model.problem}`);
    }
    return { places };
  },
};

export const modelsRecommended: Command = {
  name: 'models recommended',
  positionals: [],
  summary:
    'Lists models to begin with, and in which form each can be trained on this machine; nothing is asked of the hub.',
  options: {},
  async run({ api, print, say }) {
    const fits = new Map<string, ModelFit>();
    for (const { repository, title } of RECOMMENDED_MODELS) {
      say(`Working out whether ${title} fits.`);
      fits.set(repository, await api.models.recommendedFit({ repository }));
    }
    const best = bestModel(RECOMMENDED_MODELS, fits);
    const rows = RECOMMENDED_MODELS.map((model) => [
      model.repository,
      count(model.parameters),
      bytes(model.sizeBytes),
      fitText(fits.get(model.repository)!),
      model.gated ? `${model.licence}, to be accepted first` : model.licence,
      model === best ? 'best to begin with' : '',
    ]);
    table(['REPOSITORY', 'PARAMETERS', 'DOWNLOAD', 'HERE', 'LICENCE', ''], rows).forEach(print);
    print('Fetch one with "graft pull hf:REPOSITORY".');
    const models = RECOMMENDED_MODELS.map(({ config: _shapes, ...model }) => ({
      ...model,
      page: cardAddress(model),
      fit: fits.get(model.repository)!,
      isBest: model.repository === best?.repository,
    }));
    return { models };
  },
};

function fitText({ verdict, totalBytes, ...form }: ModelFit): string {
  const needs = `${formText(form)}, ${bytes(Math.round(totalBytes))} or more`;
  if (verdict === 'does not fit') return `too large even in ${needs}`;
  if (verdict === 'tight') return `only just fits in ${needs}`;
  return verdict === 'unknown' ? `in ${needs}` : `fits in ${needs}`;
}

/** How a GGUF file calls its quantisation, else the number format of most weights. */
function typeOf({ gguf, dtype }: { gguf?: { quantisation: string }; dtype: string }): string {
  return gguf?.quantisation ?? dtype;
}
