import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { settingArguments } from '../../../src-shared/settings/arguments.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { DATA_SETTINGS, FILE_SETTINGS } from '../../../src-shared/settings/data.ts';
import { defineSettings } from '../../../src-shared/settings/setting.ts';
import { TRAIN_SETTINGS } from '../../../src-shared/settings/training.ts';
import { readArgs } from './args.ts';
import { optionsOf, readSettings } from './settingOptions.ts';

/** One setting of each kind. */
const KINDS = defineSettings({
  on: { schema: z.boolean().optional(), label: 'On', help: 'A switch.', flag: 'on' },
  count: { schema: z.number().int().min(1).default(4), label: 'Count', help: 'A number.', flag: 'count', value: 'N' },
  share: { schema: z.number().default(1e-5), label: 'Share', help: 'A part.', flag: 'share', value: 'X' },
  size: {
    schema: z.number().int().optional(),
    label: 'Size',
    help: 'Bytes.',
    flag: 'size',
    unit: { name: 'KiB', size: 1024 },
    placeholder: 'all there is',
  },
  way: { schema: z.enum(['left', 'right']).default('left'), label: 'Way', help: 'Where to.', flag: 'way' },
  some: { schema: z.array(z.enum(['q', 'v'])).optional(), label: 'Some', help: 'Some of q and v.', flag: 'some' },
  names: { schema: z.array(z.string()).optional(), label: 'Names', help: 'Any.', flag: 'names' },
  lines: { schema: z.array(z.number().int()).optional(), label: 'Lines', help: 'Which.', flag: 'lines' },
  ranks: { schema: z.record(z.string(), z.number()).optional(), label: 'Ranks', help: 'Each.', flag: 'ranks' },
  texts: {
    schema: z.array(z.string()).default([]),
    label: 'Texts',
    help: 'LoRA says.',
    flag: 'text',
    repeatable: true,
  },
  map: {
    schema: z.record(z.string(), z.string()).default({}),
    label: 'Map',
    help: 'Old to new.',
    flag: 'map',
    repeatable: true,
  },
  hidden: { schema: z.number().default(1), label: 'Hidden', help: 'Not on the command line.' },
});

const read = (...argv: string[]) => readSettings(readArgs(argv, optionsOf(KINDS), []), KINDS);

describe('settings as options', () => {
  it('ask and explain, with what holds otherwise', () => {
    const options = optionsOf(KINDS);
    expect(Object.keys(options)).not.toContain('hidden');
    expect(options['on']).toEqual({ type: 'boolean', help: 'a switch' });
    expect(options['count']).toEqual({ type: 'string', value: 'N', help: 'a number (4)' });
    expect(options['share']?.help).toBe('a part (1e-5)');
    expect(options['size']?.help).toBe('bytes (all there is)');
    expect(options['way']?.help).toBe('where to; one of left, right (left)');
    expect(options['some']?.help).toBe('some of q and v');
    expect(options['text']).toEqual({ type: 'string', multiple: true, help: 'LoRA says; repeatable' });
  });

  it('are read as their schemas want them', () => {
    expect(
      read(
        ...['--on', '--count', '2', '--size', '3', '--way', 'right', '--some', 'v,q', '--names', 'a, b'],
        ...['--lines', '2-4,1', '--ranks', 'q=2, v=.5', '--text', 'x,y', '--text', 'z', '--map', 'a=b'],
      ),
    ).toEqual({
      on: true,
      count: 2,
      share: 1e-5,
      size: 3072,
      way: 'right',
      some: ['v', 'q'],
      names: ['a', 'b'],
      lines: [1, 2, 3, 4],
      ranks: { q: 2, v: 0.5 },
      texts: ['x,y', 'z'],
      map: { a: 'b' },
      hidden: 1,
    });
    expect(read()).toEqual({ count: 4, share: 1e-5, way: 'left', texts: [], map: {}, hidden: 1 });
  });

  it.each([
    [['--count', '1.5'], '--count "1.5" is not valid; give a whole number.'],
    [['--way', 'up'], '--way "up" is not valid; give one of left, right.'],
    [['--ranks', 'q'], '--ranks "q" is not valid; give names and numbers, such as q=4,3.v=16.'],
    [['--lines', 'two'], '--lines "two" is not valid; give whole numbers, such as 1,4-6.'],
  ])('%j is refused', (argv, message) => expect(() => read(...argv)).toThrowError(message));

  it('are written back, only what differs from the defaults', () => {
    expect(settingArguments(KINDS, read())).toEqual([]);
    const values = read('--on', '--size', '3', '--lines', '7,1-3', '--text=-x', '--map', 'a=b', '--ranks', 'q=2');
    const argv = settingArguments(KINDS, values);
    expect(argv).toEqual(['--on', '--size', '3', '--lines', '1-3,7', '--ranks', 'q=2', '--text=-x', '--map', 'a=b']);
    expect(read(...argv)).toEqual(values);
  });
});

it('every setting of a run has words and, but for switches, a name for its value', () => {
  for (const [name, setting] of Object.entries({
    ...TRAIN_SETTINGS,
    ...FILE_SETTINGS,
    ...DATA_SETTINGS,
    ...COMPUTE_SETTINGS,
  })) {
    expect(setting.label, name).toMatch(/^[A-Z]/);
    expect(setting.help, name).toMatch(/^[A-Z].*\.$/);
    const option = optionsOf({ [name]: setting })[setting.flag];
    expect(option?.type === 'boolean' || option?.value !== undefined, name).toBe(true);
  }
});

it('no two options have one name', () => {
  const flags = [TRAIN_SETTINGS, FILE_SETTINGS, DATA_SETTINGS, COMPUTE_SETTINGS].flatMap((settings) =>
    Object.values(settings).map(({ flag }) => flag),
  );
  expect(new Set(flags).size).toBe(flags.length);
});
