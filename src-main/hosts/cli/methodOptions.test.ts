import { expect, it } from 'vitest';
import { readArgs } from './args.ts';
import { METHOD_OPTIONS, readMethod } from './methodOptions.ts';

const read = (...argv: string[]): unknown => readMethod(readArgs(argv, METHOD_OPTIONS, []));

it.each([
  [[], { type: 'lora', rank: 8, alpha: 16, dropout: 0, init: 'kaiming' }],
  [
    [
      '--layers',
      '0,6-8,7',
      '--rank-pattern',
      'q=4, 3.v=16',
      '--alpha-pattern',
      'v=2.5',
      '--dora',
      '--bias',
      'all',
      '--lora-plus-ratio',
      '16',
    ],
    {
      type: 'lora',
      layers: [0, 6, 7, 8],
      rankPattern: { q: 4, '3.v': 16 },
      alphaPattern: { v: 2.5 },
      dora: true,
      bias: 'all',
      loraPlusRatio: 16,
    },
  ],
  [['--init', 'pissa', '--rslora'], { type: 'lora', init: 'pissa', rslora: true }],
  [
    ['--method', 'lokr', '--factor', '4', '--targets', 'o'],
    { type: 'lokr', rank: 8, alpha: 16, factor: 4, targets: ['o'] },
  ],
  [['--method', 'loha', '--rank', '2'], { type: 'loha', rank: 2 }],
  [['--method', 'full', '--layers', '10-11'], { type: 'full', layers: [10, 11] }],
  [['--method', 'bitfit'], { type: 'bitfit' }],
  [['--method', 'miss', '--rank', '6', '--variant', 'bat'], { type: 'miss', rank: 6, variant: 'bat' }],
  [['--method', 'ia3', '--targets', 'k,down', '--layers', '1'], { type: 'ia3', targets: ['k', 'down'], layers: [1] }],
  [
    ['--method', 'adapter', '--kind', 'lin', '--bottleneck', '4', '--skip-layers', '1'],
    { type: 'adapter', kind: 'lin', bottleneck: 4, skipLayers: 1 },
  ],
  [
    ['--method', 'prefix', '--kind', 'embedding', '--prefix-length', '3', '--infix-length', '2'],
    { type: 'prefix', kind: 'embedding', prefixLength: 3, infixLength: 2 },
  ],
])('%j', (argv, settings) => expect(read(...argv)).toMatchObject(settings));

it.each([
  [['--method', 'loha', '--dora'], '--dora does not belong to the method loha; leave it out or choose --method lora.'],
  [
    ['--rank', '4', '--kind', 'lin'],
    '--kind does not belong to the method lora; leave it out or choose --method adapter or prefix.',
  ],
  [
    ['--method', 'bitfit', '--rank', '4'],
    '--rank does not belong to the method bitfit; leave it out or choose --method lora or lokr or loha or miss.',
  ],
  [['--method', 'prefix', '--kind', 'lin'], '--kind "lin" is not valid; give one of embedding, layer, key-value.'],
  [
    ['--method', 'qlora'],
    '--method "qlora" is not valid; give one of lora, lokr, loha, full, bitfit, adapter, prefix, ia3, miss.',
  ],
  [['--layers', '3-1'], '--layers "3-1" is not valid; give layers counted from 0, such as 0,1 or 6-11.'],
  [['--layers', 'top'], '--layers "top" is not valid; give layers counted from 0, such as 0,1 or 6-11.'],
  [['--rank-pattern', 'q'], '--rank-pattern "q" is not valid; give matrices and numbers, such as q=4,3.v=16.'],
])('refuses %j', (argv, message) => expect(() => read(...argv)).toThrowError(expect.objectContaining({ message })));
