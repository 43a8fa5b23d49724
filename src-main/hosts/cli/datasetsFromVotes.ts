/** `datasets from-votes`: what was chosen in the playground as a dataset, or as a new version of the one before. */
import { CHOICE_KINDS } from '../../../src-shared/choices.ts';
import type { Command } from './command.ts';

export const datasetsFromVotes: Command = {
  name: 'datasets from-votes',
  positionals: [],
  summary: 'Makes a dataset of the choices of the playground, or a new version of the one made before.',
  options: {
    kind: {
      type: 'string',
      value: 'KIND',
      help: 'pairs: votes and edited answers, for dpo, ipo, orpo, simpo; marks: thumbs up and down, for kto (pairs)',
    },
  },
  async run({ api, args, print }) {
    const kind = args.choice('kind', CHOICE_KINDS) ?? 'pairs';
    const dataset = await api.choices.makeDataset({ kind });
    print(`${dataset.name} (${dataset.id}), version ${dataset.version}: ${dataset.file}`);
    return dataset;
  },
};
