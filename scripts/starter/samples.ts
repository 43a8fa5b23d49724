/**
 * The two sample tasks, each the other's reverse: `describe` turns a record into one or two sentences, `extract` turns
 * such sentences into the record. Completions begin with the line break, so that a prompt ends where the user's text
 * ends.
 */
import { Random } from '../../src-shared/random.ts';
import { description } from './sentences.ts';
import { makePlace, recordLine } from './world.ts';

export const TASKS = ['describe', 'extract'] as const;
export type TaskName = (typeof TASKS)[number];

export interface Sample {
  prompt: string;
  completion: string;
}

/** `count` examples of a task, no prompt twice. The same seed always gives the same examples. */
export function taskSamples(task: TaskName, seed: number, count: number): Sample[] {
  const random = Random.stream(seed, `starter task ${task}`);
  const samples = new Map<string, Sample>();
  while (samples.size < count) {
    const place = makePlace(random);
    const record = recordLine(place);
    const text = description(random, place).join(' ');
    const [prompt, answer] = task === 'describe' ? [record, text] : [text, record];
    samples.set(prompt, { prompt, completion: `\n${answer}` });
  }
  return [...samples.values()];
}

export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
