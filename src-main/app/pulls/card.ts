/** The README.md of a pushed adapter: what the catalogue knows about it, with the fields that the hub reads. */

export interface CardFacts {
  name: string;
  task: string;
  /** As the hub or the user calls it. */
  base: string;
  /** Whether `base` is a repository of the hub. */
  baseIsOnHub: boolean;
  method: string;
  settings: string;
  finalLoss: number | null;
  valLoss: number | null;
  notes: string;
}

export function adapterCard(facts: CardFacts): string {
  const { name, task, base, baseIsOnHub, method, settings, finalLoss, valLoss, notes } = facts;
  const loss = (value: number | null): string => (value === null ? 'not known' : value.toFixed(4));
  return [
    '---',
    'library_name: peft',
    ...(baseIsOnHub ? [`base_model: ${base}`] : []),
    'tags:',
    `- ${method.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`,
    '- graft',
    '---',
    '',
    `# ${oneLine(name)}`,
    '',
    `An adapter for ${oneLine(base)}, trained with Graft for the task ${oneLine(task)}.`,
    '',
    '| | |',
    '|---|---|',
    `| Method | ${cell(method)} |`,
    `| Settings | ${cell(settings)} |`,
    `| Loss at the end of training | ${loss(finalLoss)} |`,
    `| Validation loss | ${loss(valLoss)} |`,
    '',
    ...(notes.trim() === '' ? [] : [notes.trim(), '']),
    'The licence of the base model and of the data it was trained on apply to it as well.',
    '',
  ].join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function cell(text: string): string {
  return oneLine(text).replace(/\|/g, '\\|') || 'none';
}
