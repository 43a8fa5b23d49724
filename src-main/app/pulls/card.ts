/**
 * The README.md of a pushed adapter, with the fields that the hub reads: what it is for, base, method, settings and
 * losses. Of the user's own words only the adapter's name and its task go along: no notes, prompts or names of files.
 */
import type { AdapterDetails } from '../adapters/service.ts';

/** The settings of training that say how it was made. */
const TRAINING = ['steps', 'epochs', 'batch', 'accumulate', 'lr', 'schedule', 'warmup', 'weightDecay', 'val', 'seed'];

export interface CardBase {
  /** As the hub or the user calls it. */
  name: string;
  isOnHub: boolean;
}

export function adapterCard(adapter: AdapterDetails, base: CardBase, repository: string): string {
  const { name, taskName, methodText, finalLoss, valLoss, baseHash, lineage } = adapter;
  const training = lineage.settings
    .filter(({ key }) => TRAINING.includes(key.replace(/^train\./, '')) && key.startsWith('train.'))
    .map(({ key, value }) => `${key.slice('train.'.length)} ${value}`);
  const rows: [string, string | null][] = [
    ['Base model', `${base.name} (weights ${baseHash.slice(0, 12)})`],
    ['Method', [methodText.name, methodText.details].filter(Boolean).join(', ')],
    ['Trainable values', lineage.parameters?.toLocaleString('en-US') ?? null],
    ['Training', training.join(', ') || null],
    ['Data', lineage.dataset?.hash ? `version ${lineage.dataset.hash.slice(0, 12)}` : null],
    ['Loss at the end of training', finalLoss?.toFixed(4) ?? null],
    ['Validation loss', valLoss?.toFixed(4) ?? null],
  ];
  return [
    '---',
    'library_name: peft',
    ...(base.isOnHub ? [`base_model: ${base.name}`] : []),
    'tags:',
    '- graft',
    `- ${adapter.method.type}`,
    '---',
    '',
    `# ${cell(name)}`,
    '',
    `An adapter for ${cell(base.name)}, trained with Graft for the task ${cell(taskName)}.`,
    '',
    '| | |',
    '|---|---|',
    ...rows.flatMap(([what, value]) => (value === null ? [] : [`| ${what} | ${cell(value)} |`])),
    '',
    '```python',
    'from peft import PeftModel',
    'from transformers import AutoModelForCausalLM',
    '',
    `base = AutoModelForCausalLM.from_pretrained(${JSON.stringify(base.name)})`,
    `model = PeftModel.from_pretrained(base, ${JSON.stringify(repository)})`,
    '```',
    '',
    'The licences of the base model and of the data that it was trained on hold for it as well.',
    '',
  ].join('\n');
}

/** One line that ends no cell and begins no markup of HTML. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(/\|/g, '\\|').replace(/</g, '&lt;');
}
