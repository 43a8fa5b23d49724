import { expect, it } from 'vitest';
import { firstChoice } from './firstChoice.ts';

const adapter = (id: string, taskId: string, valLoss: number | null, active = false) => ({
  id,
  taskId,
  valLoss,
  active,
});

it.each([
  ['none', [], undefined],
  ['the better one, not the newest', [adapter('good', 't', 1.5, true), adapter('lr-10', 't', 11.4)], 'good'],
  ['the better one, not the first', [adapter('lr-10', 't', 11.4, true), adapter('good', 't', 1.5)], 'good'],
  ['of the task that was trained last', [adapter('other', 's', 0.1, true), adapter('mine', 't', 2)], 'mine'],
  ['the active one where nothing was measured', [adapter('a', 't', null, true), adapter('b', 't', null)], 'a'],
  ['else the newest', [adapter('a', 't', null), adapter('b', 't', null)], 'b'],
])('%s', (_name, adapters, want) => expect(firstChoice(adapters)?.id).toBe(want));
