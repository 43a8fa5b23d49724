/** The rate finder: which rates it tries, and how long its short runs are. */
import { z } from 'zod';
import { defineSettings } from './setting.ts';

export const RATE_SETTINGS = defineSettings({
  from: {
    schema: z.number().positive().default(1e-6),
    label: 'Lowest rate',
    help: 'The learning rate of the first step.',
    flag: 'from',
    value: 'X',
  },
  to: {
    schema: z.number().positive().max(100).default(1),
    label: 'Highest rate',
    help: 'The learning rate of the last step; the search ends before it where the loss breaks away.',
    flag: 'to',
    value: 'X',
  },
  steps: {
    schema: z.number().int().min(20).max(100).default(100),
    label: 'Steps of the search',
    help: 'Steps from the lowest to the highest rate, each at a rate higher by the same factor.',
    flag: 'steps',
    value: 'N',
  },
});

export const GRID_SETTINGS = defineSettings({
  gridSteps: {
    schema: z.number().int().min(1).max(1000).default(50),
    label: 'Steps of a short run',
    help: "Steps of each short run, over which the learning rate rises and falls as over the whole run's.",
    flag: 'grid-steps',
    value: 'N',
  },
});
