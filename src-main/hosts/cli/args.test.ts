import { expect, it } from 'vitest';
import { readArgs } from './args.ts';

const OPTIONS = {
  scale: { type: 'string', multiple: true, help: '' },
  alpha: { type: 'string', help: '' },
  dora: { type: 'boolean', help: '' },
} as const;

it('takes negative numbers as values, and other dashes as options', () => {
  expect(
    readArgs(['--scale', '-1', '--scale', '.5', '--scale=-.25', '--alpha', '-2'], OPTIONS, []).numbers('scale'),
  ).toEqual([-1, 0.5, -0.25]);
  expect(readArgs(['--alpha', '-2e-3'], OPTIONS, []).number('alpha')).toBe(-0.002);
  expect(() => readArgs(['--dora', '-1'], OPTIONS, [])).toThrowError(expect.objectContaining({ code: 'BAD_USAGE' }));
  expect(() => readArgs(['--alpha', '--dora'], OPTIONS, [])).toThrowError(
    expect.objectContaining({ code: 'BAD_USAGE' }),
  );
});

it('a number that must be positive is refused in the words of the command line', () => {
  const read = (text: string) => readArgs(['--alpha', text], { alpha: { type: 'string', help: '' } }, []);
  expect(read('0.5').positive('alpha')).toBe(0.5);
  for (const text of ['0', '-1']) expect(() => read(text).positive('alpha')).toThrow(/--alpha ".+" .* greater than 0/);
});

it('a repeated option names the value that is no number', () => {
  expect(() => readArgs(['--scale', '1', '--scale', 'half'], OPTIONS, []).numbers('scale')).toThrowError(
    '--scale "half" is not valid; give a number.',
  );
});
