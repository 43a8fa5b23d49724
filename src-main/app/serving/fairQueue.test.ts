import { expect, it } from 'vitest';
import { FairQueue } from './fairQueue.ts';

function drained(queue: FairQueue<string>): string[] {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

it('clients take turns, and the tasks of a client take turns within its share', () => {
  const queue = new FairQueue<string>();
  for (const n of [1, 2, 3]) queue.push('a', 'x', `ax${n}`);
  for (const n of [1, 2]) queue.push('a', 'y', `ay${n}`);
  queue.push('b', 'x', 'bx1');
  queue.push('c', 'z', 'cz1');
  queue.push('c', 'z', 'cz2');
  expect(queue.size).toBe(8);
  expect(drained(queue)).toEqual(['ax1', 'bx1', 'cz1', 'ay1', 'cz2', 'ax2', 'ay2', 'ax3']);
  expect(queue.size).toBe(0);
});

it('who comes once is not behind a thousand of another', () => {
  const queue = new FairQueue<string>();
  for (let n = 0; n < 1000; n++) queue.push('many', 'x', `many${n}`);
  queue.push('one', 'x', 'one');
  expect([queue.take(), queue.take()]).toEqual(['many0', 'one']);
});

it('what is withdrawn is not taken', () => {
  const queue = new FairQueue<string>();
  queue.push('a', 'x', 'gone');
  queue.push('a', 'y', 'stays');
  expect(queue.withdraw('gone')).toBe(true);
  expect(queue.withdraw('gone')).toBe(false);
  expect(drained(queue)).toEqual(['stays']);
});
