/** Choosing one of several graphics cards: by place, by name, and what is refused. */
import { createRequire } from 'node:module';
import { afterEach, describe, expect, it } from 'vitest';
import { dawnCards, dawnOptions, findCard, parseDawnCards, showCudaCard } from './cards.ts';

const require = createRequire(import.meta.url);
const CARDS = ['NVIDIA GeForce RTX 4090', 'NVIDIA GeForce RTX 4060', 'AMD Radeon RX 7900 XTX (RADV NAVI31)'];

afterEach(() => delete process.env['GRAFT_GPU']);

describe('findCard', () => {
  it.each([
    ['0', 0],
    ['2', 2],
    ['4060', 1],
    ['radeon', 2],
    ['NVIDIA GeForce RTX 4090', 0],
  ])('%s is card %i', (wanted, place) => expect(findCard(wanted, CARDS)).toBe(place));

  it.each(['3', 'GeForce', 'Intel'])('%s is refused with the list of what is there', (wanted) => {
    expect(() => findCard(wanted, CARDS)).toThrow(
      expect.objectContaining({
        code: 'NO_SUCH_GPU',
        message: expect.stringContaining('0 NVIDIA GeForce RTX 4090, 1 NVIDIA GeForce RTX 4060, 2 AMD Radeon'),
      }),
    );
  });

  it('takes a whole name that is part of another, and the first of two of the same name', () => {
    expect(findCard('RTX 4060', ['RTX 4060 Ti', 'RTX 4060'])).toBe(1);
    expect(findCard('H100', ['H100', 'H100'])).toBe(0);
  });
});

describe('Dawn', () => {
  const answering = (text: string) => ({ create: () => ({ requestAdapter: () => Promise.reject(new Error(text)) }) });
  const list = (...names: string[]): string =>
    `no suitable backends found\n${names.map((name) => ` * backend: 'vulkan', name: '${name}'\n`).join('')}`;

  it('lists a card once, though several interfaces lead to it', () => {
    const line = (backend: string, name: string): string => ` * backend: '${backend}', name: '${name}'\n`;
    const text = line('d3d12', 'One') + line('d3d12', 'Two') + line('vulkan', 'One');
    expect(parseDawnCards(text)).toEqual(['One', 'Two']);
    expect(parseDawnCards('no driver')).toEqual([]);
  });

  it('is given the whole name, and nothing where nothing is chosen', async () => {
    expect(await dawnOptions(answering(list(...CARDS)))).toEqual([]);
    process.env['GRAFT_GPU'] = '1';
    expect(await dawnOptions(answering(list(...CARDS)))).toEqual(['adapter=NVIDIA GeForce RTX 4060']);
  });

  it.each([
    ['1', ['H100', 'H100']],
    ['RTX 4060', ['RTX 4060 Ti', 'RTX 4060']], // Dawn takes the first that has this in its name
  ])('cannot be told to take card %s of %j', async (wanted, cards) => {
    process.env['GRAFT_GPU'] = wanted;
    await expect(dawnOptions(answering(list(...cards)))).rejects.toMatchObject({ code: 'NO_SUCH_GPU' });
  });

  it('a wrong name is answered with the cards of this machine, a part of a right one is taken', async ({ skip }) => {
    const dawn = require('webgpu') as Parameters<typeof dawnCards>[0];
    const [own] = await dawnCards(dawn);
    if (own === undefined) return skip('no driver for a card is here');
    process.env['GRAFT_GPU'] = 'GeForce 9999';
    await expect(dawnOptions(dawn)).rejects.toMatchObject({
      code: 'NO_SUCH_GPU',
      message: expect.stringContaining(own),
    });
    process.env['GRAFT_GPU'] = own.slice(0, 5);
    expect(await dawnOptions(dawn)).toEqual([`adapter=${own}`]);
  });
});

describe('showCudaCard', () => {
  const shown = (env: NodeJS.ProcessEnv, cards: string[]): NodeJS.ProcessEnv => {
    showCudaCard(env, () => cards);
    return env;
  };

  it("shows the wanted card alone, in nvidia-smi's order", () => {
    expect(shown({ GRAFT_GPU: '4060' }, CARDS.slice(0, 2))).toMatchObject({
      CUDA_VISIBLE_DEVICES: '1',
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    });
  });

  it("shows none where another maker's card is wanted", () => {
    expect(shown({ GRAFT_GPU: 'Radeon' }, CARDS.slice(0, 2))).toMatchObject({ CUDA_VISIBLE_DEVICES: '-1' });
  });

  it.each([
    [{}, CARDS],
    [{ GRAFT_GPU: '0', CUDA_VISIBLE_DEVICES: '1' }, CARDS],
    [{ GRAFT_GPU: '0' }, []],
  ])('leaves %j alone', (env, cards) => {
    expect(shown({ ...env }, cards)).toEqual(env);
  });
});
