import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  cellName,
  cellsOf,
  columns,
  layerOf,
  nextRank,
  settingsOf,
  targetOf,
  withCells,
  type CellSettings,
  type MatrixSize,
  type Shape,
} from './matrices.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import { everyTarget } from '../../../src-shared/targets.ts';
import { countOf } from './methodForm.ts';
import { targetsText } from './summary.ts';

const LLAMA: Shape = { layers: 4, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] };
/** As Phi-3 has it: the parts beside the fused matrices. */
const FUSED: Shape = { layers: 2, targets: ['q', 'k', 'v', 'qkv', 'o', 'gate', 'up', 'gate_up', 'down'] };
const sorted = (cells: Iterable<string>): string[] => [...cells].sort();
const row = (shape: Shape, layer: number): string[] =>
  everyTarget(shape.targets).map((target) => cellName(layer, target));

describe('choosing', () => {
  it('a cell is a layer and a target, also where the target has an underscore', () => {
    expect([cellName(11, 'gate_up'), targetOf('11.gate_up'), layerOf('11.gate_up')]).toEqual([
      '11.gate_up',
      'gate_up',
      11,
    ]);
  });

  it('a click on a matrix switches it alone, a second one takes it back', () => {
    const chosen = new Set(columns(LLAMA, ['q']));
    const more = withCells(chosen, ['2.down'], true);
    expect(sorted(more)).toEqual(['0.q', '1.q', '2.down', '2.q', '3.q']);
    expect(withCells(more, ['2.down'], false)).toEqual(chosen);
    expect(sorted(chosen)).toEqual(['0.q', '1.q', '2.q', '3.q']);
  });

  it('a column is its target in every layer, a row every target of its layer', () => {
    expect(columns(LLAMA, ['v'])).toEqual(['0.v', '1.v', '2.v', '3.v']);
    const chosen = withCells(withCells(new Set<string>(), columns(LLAMA, ['v']), true), row(LLAMA, 1), true);
    expect(sorted(chosen)).toEqual(['0.v', '1.down', '1.gate', '1.k', '1.o', '1.q', '1.up', '1.v', '2.v', '3.v']);
    expect(sorted(withCells(chosen, row(LLAMA, 1), false))).toEqual(['0.v', '2.v', '3.v']);
  });

  it('a fused matrix and its parts push each other out, in all layers; a row takes the parts', () => {
    const parts = new Set(columns(FUSED, ['q', 'v', 'down']));
    expect(sorted(withCells(parts, ['0.qkv'], true))).toEqual(['0.down', '0.qkv', '1.down']);
    expect(sorted(withCells(new Set(columns(FUSED, ['qkv', 'gate_up'])), ['1.k'], true))).toEqual([
      '0.gate_up',
      '1.gate_up',
      '1.k',
    ]);
    expect(
      sorted(
        withCells(
          new Set<string>(),
          FUSED.targets.map((target) => cellName(0, target)),
          true,
        ),
      ),
    ).toEqual(sorted(row(FUSED, 0)));
    expect(row(FUSED, 0)).not.toContain('0.qkv');
  });

  it('usually every linear layer', () => {
    const usual = (targets: string[]) => descriptorOf('lora').targets!.usual({ family: 'llama', targets });
    expect([usual(LLAMA.targets), usual(['qkv', 'o'])]).toEqual([LLAMA.targets, ['qkv', 'o']]);
    expect(usual(FUSED.targets)).toEqual(['q', 'k', 'v', 'o', 'gate', 'up', 'down']);
  });
});

describe('the same as settings', () => {
  const lora = (settings: CellSettings): CellSettings => settings;

  it.each<[string, string[], Record<string, number>, object]>([
    ['whole columns', columns(LLAMA, ['q', 'v']), {}, { targets: ['q', 'v'] }],
    ['some layers', ['1.q', '1.v', '3.q', '3.v'], {}, { targets: ['q', 'v'], layers: [1, 3] }],
    [
      'single matrices left out',
      ['0.q', '1.q', '1.v', '2.q', '3.q', '3.v'],
      {},
      { targets: ['q', 'v'], exclude: ['0.v', '2.v'] },
    ],
    [
      'one rank for a whole target',
      columns(LLAMA, ['q', 'v']),
      Object.fromEntries(columns(LLAMA, ['v']).map((cell) => [cell, 4])),
      { targets: ['q', 'v'], rankPattern: { v: 4 } },
    ],
    [
      'a rank of one matrix',
      columns(LLAMA, ['q', 'v']),
      { '2.q': 16 },
      { targets: ['q', 'v'], rankPattern: { '2.q': 16 } },
    ],
    [
      'one target with two ranks',
      ['0.q', '1.q'],
      { '0.q': 2, '1.q': 4 },
      { targets: ['q'], layers: [0, 1], rankPattern: { '0.q': 2, '1.q': 4 } },
    ],
    ['nothing', [], {}, { targets: [], layers: [] }],
  ])('%s', (_name, cells, ranks, settings) => {
    const said = settingsOf(LLAMA, new Set(cells), ranks);
    expect(said).toEqual(settings);
    const back = cellsOf(LLAMA, lora(said));
    expect(sorted(back.chosen)).toEqual(sorted(cells));
    expect(back.ranks).toEqual(ranks);
  });

  it('a rank of a matrix that is not chosen says nothing', () => {
    expect(settingsOf(LLAMA, new Set(columns(LLAMA, ['q'])), { '0.v': 4 })).toEqual({ targets: ['q'] });
  });

  it('settings without targets mean every linear layer; what a model lacks is left out', () => {
    expect(cellsOf(LLAMA, lora({})).chosen).toEqual(columns(LLAMA, LLAMA.targets));
    expect(cellsOf(LLAMA, lora({ targets: ['q', 'qkv'] })).chosen).toEqual(columns(LLAMA, ['q']));
  });

  it('in words', () => {
    expect(targetsText(LLAMA, new Set(columns(LLAMA, ['v', 'q'])))).toBe('q v in all 4 layers');
    expect(targetsText(LLAMA, new Set(['0.q', '1.q', '3.v']))).toBe('q v, 3 of 8 matrices');
  });
});

describe('trained parameters', () => {
  const loraCount = (
    sizes: MatrixSize[],
    chosen: ReadonlySet<string>,
    rankOf: (cell: string) => number,
    dora: boolean,
  ): number =>
    countOf(
      descriptorOf('lora'),
      { type: 'lora', dora },
      { layers: 1, hidden: 1, kvHeads: 1, headDim: 1 },
      { sizes, chosen, rankOf },
    )!;

  /** q and v of a transformer whose matrices are d × d. */
  const square = (d: number): MatrixSize[] => ['q', 'v'].map((target) => ({ target, inFeatures: d, outFeatures: d }));

  it.each([
    ['GPT-3 175B, rank 1 on q and v: 4.7M', 96, 12288, 1, 4.7],
    ['GPT-3 175B, rank 8 on q and v: 37.7M', 96, 12288, 8, 37.7],
    ['RoBERTa base, rank 8 on q and v: 0.3M', 12, 768, 8, 0.3],
  ])('%s, as Hu et al. 2021 say (tables 2 and 4)', (_name, layers, d, rank, millions) => {
    const chosen = new Set(columns({ layers }, ['q', 'v']));
    expect((loraCount(square(d), chosen, () => rank, false) / 1e6).toFixed(1)).toBe(millions.toFixed(1));
  });

  it('of the starter model are the elements of A and B, with a rank of its own and with the magnitudes of DoRA', () => {
    const shapes = starterShapes();
    const sizes = ['q', 'v', 'down'].map((target): MatrixSize => {
      const [outFeatures, inFeatures] = shapes.get(`0.${target}`)!;
      return { target, inFeatures, outFeatures };
    });
    const cells = ['0.q', '0.v', '1.down', '2.q', '3.down'];
    const rankOf = (cell: string): number => (cell === '2.q' ? 16 : 4);
    let elements = 0;
    let magnitudes = 0;
    for (const cell of cells) {
      const [outFeatures, inFeatures] = shapes.get(cell)!;
      elements +=
        new Float32Array(rankOf(cell) * inFeatures).length + new Float32Array(outFeatures * rankOf(cell)).length;
      magnitudes += outFeatures;
    }
    expect(loraCount(sizes, new Set(cells), rankOf, false)).toBe(elements);
    expect(loraCount(sizes, new Set(cells), rankOf, true)).toBe(elements + magnitudes);
  });

  it('plus and minus go through the powers of two and stop at the ends', () => {
    expect([
      nextRank(8, true),
      nextRank(8, false),
      nextRank(6, true),
      nextRank(6, false),
      nextRank(256, true),
      nextRank(1, false),
    ]).toEqual([16, 4, 8, 4, 256, 1]);
  });
});

/** (out, in) of each matrix as the header of the starter's weights file says, by cell. */
function starterShapes(): Map<string, [number, number]> {
  const bytes = fs.readFileSync(new URL('../../../resources/starter/model/model.safetensors', import.meta.url));
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString('utf8')) as Record<
    string,
    { shape: [number, number] }
  >;
  return new Map(
    Object.entries(header).flatMap(([name, { shape }]) => {
      const match = /layers\.(\d+)\.\w+\.(\w+)_proj\.weight$/.exec(name);
      return match ? [[`${match[1]}.${match[2]}`, shape] as const] : [];
    }),
  );
}
