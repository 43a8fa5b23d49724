/** `datasets prepare`: carries a recipe out on a dataset file, as a new version of its dataset (docs/datasets.md). */
import path from 'node:path';
import type { z } from 'zod';
import { readForeignText } from '../../files/foreignFile.ts';
import { parseJson } from '../../files/parseJson.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import {
  recipeSchema,
  STEP_TITLES,
  type Recipe,
  type RecipeReport,
  type StepReport,
} from '../../../src-shared/recipes.ts';
import { FILE_SETTINGS } from '../../../src-shared/settings/data.ts';
import { MODEL_OPTION, type Command } from './command.ts';
import { count, shareSayer, table } from './format.ts';
import { modelIdOf } from './resolve.ts';
import { optionsOf, readSettings } from './settingOptions.ts';

export const datasetsPrepare: Command = {
  name: 'datasets prepare',
  positionals: ['FILE'],
  summary: 'Carries a recipe out on a dataset file, as a new version of its dataset; the file is only read.',
  options: {
    ...optionsOf(FILE_SETTINGS),
    recipe: { type: 'string', value: 'FILE', help: 'the recipe, as JSON; the page Datasets saves one' },
    preview: { type: 'boolean', help: 'only say what the steps would do, on a large file for a sample of its rows' },
    'allow-bad-rows': { type: 'boolean', help: 'go on though there are rows that cannot be used' },
    model: { ...MODEL_OPTION, help: 'registered base model whose tokens the step "length" counts' },
  },
  async run({ args, services, api, print, say }) {
    const recipe = readRecipe(args.required('recipe', 'a file with a recipe'));
    const model = args.text('model');
    const { id, version, name } = await api.datasets.add({
      file: args.positionals[0]!,
      ...readSettings(args, FILE_SETTINGS),
      allowBadRows: args.flag('allow-bad-rows'),
    });
    const input = { id, version, recipe, ...(model === undefined ? {} : { modelId: modelIdOf(services, model) }) };
    if (args.flag('preview')) {
      const { report, total } = await services.datasetRecipes.preview(input);
      if (report.rows < total) print(`A sample of ${counted(report.rows, 'row')} of ${count(total)}:`);
      describe(report).forEach(print);
      return { report, total };
    }
    const sayShare = shareSayer(say, 'preparing rows');
    for await (const event of services.datasetRecipes.prepare(input)) {
      if ('done' in event) sayShare(event.done / event.total);
      else {
        describe(event.report).forEach(print);
        const { file } = services.datasets.require(id);
        print(`Version ${event.version} of ${name} has ${counted(event.report.kept, 'row')}: ${file}`);
        return { datasetId: id, ...event, file };
      }
    }
    throw new Error('the recipe ended without a version');
  },
};

/** Throws a usage error BAD_INPUT that says where the recipe is wrong. */
function readRecipe(file: string): Recipe {
  const parsed = parseJson(readForeignText(path.resolve(file)));
  if ('problem' in parsed)
    throw usageError('BAD_INPUT', `${file} ${parsed.problem}; correct it and try again.`, { file });
  const recipe = recipeSchema.safeParse(parsed.value);
  if (recipe.success) return recipe.data;
  throw usageError('BAD_INPUT', `${file} is no recipe: ${problemOf(recipe.error)}; correct it and try again.`, {
    file,
  });
}

function problemOf({ issues }: z.ZodError): string {
  const { path: place, message } = issues[0]!;
  return place.length > 0 ? `${place.join('.')}: ${message}` : message;
}

function describe({ rows, kept, steps }: RecipeReport): string[] {
  const cells = steps.map((step) => [STEP_TITLES[step.step], count(step.rows), ...did(step)]);
  return [
    ...(cells.length > 0 ? table(['STEP', 'ROWS', 'CHANGED', 'LEFT OUT', 'ADDED'], cells) : []),
    `${counted(kept, 'row')} of ${count(rows)}`,
  ];
}

function did({ changed, leftOut, added }: StepReport): string[] {
  return [changed, leftOut, added].map(count);
}
