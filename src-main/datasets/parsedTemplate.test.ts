/** Expected texts: what CPython 3.11's str.strip and jinja2 3.1 give. */
import { expect, it } from 'vitest';
import { parsedTemplate, TEMPLATE_GLOBALS } from './parsedTemplate.ts';

const render = (source: string, values: Record<string, unknown> = {}): string =>
  parsedTemplate(source).render({ ...TEMPLATE_GLOBALS, ...values });

it.each([
  ["{{ '\\n d '.lstrip('\\n') }}|", ' d |'],
  ["{{ 'abcba'.strip('ab') }}", 'c'],
  ["{{ 'abcba'.lstrip('ab') }}", 'cba'],
  ["{{ 'abcba'.rstrip('ab') }}", 'abc'],
  ['{{ text.strip() }}', 'd\u200b'],
  ["{{ text.strip().rstrip('\u200b') }}", 'd'],
  ["{{ '🙂d🙂🙂'.strip('🙂') }}", 'd'],
  ["{{ '🙃🙂'.rstrip('🙃') }}", '🙃🙂'],
  ["{{ 'aaa'.strip('a') }}", ''],
  ["{{ ''.strip() }}", ''],
  ["{{ [' a ', 'b '][0].strip().strip('a') }}", ''],
])('strips as Python does: %s', (source, expected) => {
  expect(render(source, { text: ' \t\n\u00a0d\u200b\u3000' })).toBe(expected);
});

it('refuses a range() that would fill the memory, and counts through others', () => {
  expect(render('{% for i in range(2, 5) %}{{ i }}{% endfor %}')).toBe('234');
  expect(() => render('{% for i in range(1000000000) %}{% endfor %}')).toThrow(/range/);
});
