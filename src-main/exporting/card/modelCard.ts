/**
 * The README.md of an export: what it was made from, by which settings, what was measured, and how it is used. It names
 * no folder of this machine.
 */
import type { ExportFormat } from '../../../src-shared/exports.ts';
import type { MethodText } from '../../../src-shared/methods/method.ts';
import type { CardFacts, CardProof } from './facts.ts';
import { frontMatter } from './frontMatter.ts';
import { inline, table } from './markdown.ts';
import { usage } from './usage.ts';

export function modelCard(facts: CardFacts): string {
  const { name, data, settings, metrics, proofs, notes } = facts;
  const section = (title: string, lines: string[]): string[] =>
    lines.length > 0 ? [`## ${title}`, '', ...lines, ''] : [];
  return [
    ...frontMatter(facts),
    '',
    `# ${inline(name)}`,
    '',
    ...introduction(facts),
    '',
    ...(notes.trim() === '' ? [] : [notes.trim(), '']),
    ...section('Made from', table(['What', 'Which'], origin(facts))),
    ...section('Data', data ? table(['What', 'Which'], dataRows(data)) : []),
    ...section('Settings', settings.length > 0 ? table(['Setting', 'Value'], settings) : []),
    ...section('Results', metrics.length > 0 ? table(['Figure', 'Value'], metrics) : []),
    ...section('Certificate', proofs.flatMap(proofLines)),
    '## How to use it',
    '',
    ...usage(facts),
    '## Licence',
    '',
    ...licence(facts.base),
    '',
  ].join('\n');
}

const HOLDS: Record<ExportFormat, string> = {
  peft: 'An adapter for PEFT',
  mlx: 'An adapter for mlx-lm',
  'lora-gguf': 'An adapter for llama.cpp',
  hf: 'A model',
  gguf: 'A model for llama.cpp',
  ollama: 'A model for Ollama',
  lmstudio: 'A model for LM Studio',
};

function introduction({ format, inPeft, task, base, adapters, whole }: CardFacts): string[] {
  const isAdapter = HOLDS[format].startsWith('An adapter');
  const as = whole === null ? 'as it is' : 'fine-tuned';
  const where = isAdapter ? `, to be used beside ${inline(base.name)}` : `: ${inline(base.name)}, ${as}`;
  const methods = whole ? [whole] : adapters.map(({ method }) => method);
  const how = methods.length > 0 ? ` with ${inline(methods.map(({ name }) => name).join(' and '))}` : '';
  const what = task === null ? '' : ` for the task ${inline(task)}`;
  const holds = format === 'peft' && !inPeft ? 'An adapter for Graft' : HOLDS[format];
  return [`${holds}${where}. Made${how}${what} in Graft.`];
}

function origin({ base, adapters, whole }: CardFacts): [string, string][] {
  return [
    ['Base model', base.repository ?? base.name],
    ['Weights of the base (hash)', base.hash],
    ...(whole ? [['Method', methodText(whole)] as [string, string]] : []),
    ...adapters.map(({ name, method, scale }): [string, string] => [
      `Adapter${scale === 1 ? '' : `, times ${scale}`}`,
      `${name}, ${methodText(method)}`,
    ]),
  ];
}

function methodText({ name, details }: MethodText): string {
  return [name, details].filter((part) => part !== '').join(', ');
}

function dataRows({ name, version, hash, rows }: NonNullable<CardFacts['data']>): [string, string][] {
  return [
    ...(name === null ? [] : [['Name', name] as [string, string]]),
    ...(version === null ? [] : [['Version', String(version)] as [string, string]]),
    ...(rows === null ? [] : [['Rows', String(rows)] as [string, string]]),
    ['Content (sha256)', hash ?? 'not noted'],
  ];
}

function proofLines({ compared, figures }: CardProof): string[] {
  return [compared, '', ...table(['Figure', 'Value'], figures), ''];
}

function licence({ name, licence: own }: CardFacts['base']): string[] {
  const says =
    own === null
      ? 'Its card names no licence; look it up where the base comes from.'
      : `Its card says: ${inline(own)}.`;
  return [
    `The licence of the base model, ${inline(name)}, applies to this as well. ${says} The data may have terms of ` +
      'its own. Choose the licence of this work within them, and write it into the field `license` at the top.',
  ];
}
