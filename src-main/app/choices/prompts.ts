/** Prompts of a dataset to choose answers to: each once, in an order that a seed gives. */
import { promptIn } from '../../datasets/questionOf.ts';
import type { RowIndex } from '../../datasets/rowIndex.ts';
import type { Survey } from '../../datasets/survey.ts';
import { TimeSlice } from '../../datasets/timeSlice.ts';
import { choicePromptSchema, type ChoicePrompt, type DrawnPrompts } from '../../../src-shared/choices.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { Random } from '../../../src-shared/random.ts';

interface Wanted {
  count: number;
  seed: number;
  /** Prompts that have a choice already. */
  decided: readonly ChoicePrompt[];
}

/** Of a dataset that has been read. Throws a usage error CHOICES_NO_PROMPTS. */
export async function drawPrompts(
  { name, survey, index }: { name: string; survey: Survey; index: RowIndex },
  { count, seed, decided }: Wanted,
): Promise<DrawnPrompts> {
  const { plan, good } = survey;
  if (plan.kind === 'text')
    throw usageError(
      'CHOICES_NO_PROMPTS',
      `The rows of ${name} are texts without a prompt; choose a dataset of prompts and answers.`,
    );
  const known = new Set(decided.map(keyOf));
  const seen = new Set<string>();
  const drawn: DrawnPrompts = { prompts: [], decided: 0 };
  const slice = new TimeSlice();
  for (const place of Random.stream(seed, 'choices').shuffle(firstPlaces(good))) {
    if (drawn.prompts.length === count) break;
    const asked = promptIn(index.row(good.index[place]!), plan);
    const prompt = asked === undefined ? undefined : choicePromptSchema.safeParse(asked).data;
    const key = prompt && keyOf(prompt);
    if (prompt && key && !seen.has(key)) {
      seen.add(key);
      if (known.has(key)) drawn.decided++;
      else drawn.prompts.push(prompt);
    }
    if (slice.isOver()) await slice.pause();
  }
  return drawn;
}

/** Of rows with the same prompt the first. */
function firstPlaces({ count, group }: Survey['good']): number[] {
  const first = new Map<number, number>();
  for (let place = 0; place < count; place++) if (!first.has(group[place]!)) first.set(group[place]!, place);
  return [...first.values()];
}

/** A text is the same prompt whether it was put bare or as a turn. */
function keyOf(prompt: ChoicePrompt): string {
  const [only, ...more] = typeof prompt === 'string' ? [] : prompt;
  return JSON.stringify(only?.role === 'user' && more.length === 0 ? only.content : prompt);
}
