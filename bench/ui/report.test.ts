import { expect, test } from 'vitest';
import { withFigures } from './report.ts';

const page = 'Before.\n<!-- figures: npm run bench:ui -- --write -->\nold\n<!-- end of figures -->\nAfter.\n';

test('only what stands between the marks is replaced', () => {
  const once = withFigures(page, '| a |');
  expect(once).toContain('Before.');
  expect(once).toContain('| a |');
  expect(once).toContain('After.');
  expect(once).not.toContain('old');
  expect(withFigures(once, '| b |')).toBe(withFigures(page, '| b |'));
});

test('the figures of another command have marks of their own', () => {
  const both = `${page}<!-- figures: other -->\nold too\n<!-- end of figures -->\n`;
  const changed = withFigures(both, '| c |', 'other');
  expect(changed).toContain('\nold\n');
  expect(changed).toContain('| c |');
  expect(changed).not.toContain('old too');
});

test('a page without the marks is refused', () => {
  expect(() => withFigures('nothing', '| a |')).toThrow(/needs the lines/);
});
