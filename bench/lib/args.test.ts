/** What is asked for, and what is refused. */
import { describe, expect, it } from 'vitest';
import { parseBenchArguments } from './args.ts';

const cases = { all: ['one', 'two'], named: ['gpu'] };
const parse = (args: string[], env: NodeJS.ProcessEnv = {}) => parseBenchArguments(args, cases, env);

describe('parseBenchArguments', () => {
  it('`all` leaves out what must be named, and nothing runs twice', () => {
    expect(parse(['all']).cases).toEqual(['one', 'two']);
    expect(parse(['two', 'all', 'gpu']).cases).toEqual(['two', 'one', 'gpu']);
  });

  it('takes PyTorch from the option before the environment', () => {
    expect(parse(['one'], { GRAFT_TORCH: '/a' }).torch).toBe('/a');
    expect(parse(['one', '--torch', '/b'], { GRAFT_TORCH: '/a' }).torch).toBe('/b');
    expect(parse(['one']).torch).toBeNull();
  });

  it('takes a small base on any engine', () => {
    expect(parse(['one', '--base', 'nf4']).base).toBe('nf4');
    expect(parse(['one']).base).toBe('f32');
  });

  it.each([
    [['none']],
    [[]],
    [['one', '--engine', 'cuda']],
    [['one', '--engine', 'webgpu', '--base', 'f8']],
    [['one', '--fast']],
  ])('refuses %j as a mistake in the command', (args) => {
    expect(() => parse(args)).toThrow(expect.objectContaining({ kind: 'usage' }));
  });
});
