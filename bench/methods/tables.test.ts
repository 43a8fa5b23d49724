import { expect, it } from 'vitest';
import { methodTable, tokenTable, type MethodFigures } from './tables.ts';

const figures = (name: string, valLosses: number[], more: Partial<MethodFigures> = {}): MethodFigures => ({
  name,
  lr: 0.01,
  trainable: 8960,
  initialValLoss: 4.5,
  valLosses,
  bleu: 10,
  refused: null,
  ...more,
});

it('gives mean, spread, and the paired difference to LoRA', () => {
  const text = methodTable(
    [figures('LoRA q, v; r 8', [1, 2, 3]), figures('DoRA', [0.9, 1.7, 2.8])],
    new Map([['DoRA', 12.34]]),
    1.5,
  );
  const cells = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  expect(cells[2]!.slice(1, 9)).toEqual(['base, untrained', '0', '–', '4.5000', '', '', '1.50', '']);
  expect(cells[3]!.slice(1, 9)).toEqual(['LoRA q, v; r 8', '8,960', '0.01', '2.0000', '1.0000', '', '10.00', '']);
  // Differences -0.1, -0.3, -0.2: mean -0.2, sample deviation 0.1.
  expect(cells[4]!.slice(1, 9)).toEqual([
    'DoRA',
    '8,960',
    '0.01',
    '1.8000',
    '0.9539',
    '−0.2000 ± 0.1000',
    '10.00',
    '12.3',
  ]);
});

it('says why a model cannot have a method, and what stays in the forward pass adds', () => {
  expect(methodTable([figures('BitFit', [], { refused: 'no biases' })], new Map(), 0)).toContain(
    '| BitFit | – | – | no biases |',
  );
  expect(
    tokenTable(
      new Map([
        ['merged', 10],
        ['adapters', 12.5],
      ]),
    ),
  ).toContain('| adapters | 12.50 | +25.0 % |');
});
