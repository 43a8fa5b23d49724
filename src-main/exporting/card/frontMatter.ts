/** The YAML at the beginning of a model card: what the hub reads, and of another card the licence. */
import type { CardFacts } from './facts.ts';
import { quoted } from './markdown.ts';

const LIBRARY: Record<CardFacts['format'], string> = {
  peft: 'peft',
  mlx: 'mlx',
  'lora-gguf': 'gguf',
  gguf: 'gguf',
  ollama: 'gguf',
  lmstudio: 'gguf',
  hf: 'transformers',
};

/** How the hub shows the model beside its base. */
const RELATION: Record<CardFacts['format'], string> = {
  peft: 'adapter',
  mlx: 'adapter',
  'lora-gguf': 'adapter',
  gguf: 'finetune',
  ollama: 'finetune',
  lmstudio: 'finetune',
  hf: 'finetune',
};

/** The licence is the user's word; the line waits for it. */
export function frontMatter({ format, inPeft, base, adapters, whole }: CardFacts): string[] {
  const relation = whole === null ? 'quantized' : RELATION[format];
  const methods = (whole ? [whole] : adapters.map(({ method }) => method)).map(({ name }) =>
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replace(/-$/, ''),
  );
  const tags = [...new Set([...methods, ...(RELATION[format] === 'adapter' ? ['adapter'] : []), 'graft'])];
  return [
    '---',
    ...(base.repository === null
      ? ['# base_model: OWNER/NAME, where the base is on the hub']
      : [`base_model: ${quoted(base.repository)}`, `base_model_relation: ${relation}`]),
    `library_name: ${format === 'peft' && !inPeft ? 'graft' : LIBRARY[format]}`,
    'pipeline_tag: text-generation',
    'tags:',
    ...tags.map((tag) => `- ${tag}`),
    '# license: yours to choose, as far as the licence of the base allows',
    '---',
  ];
}

/** Longer than any licence's name. */
const MOST_CHARACTERS = 100;

/** The licence that a model card names: its identifier, or its name where that is `other`. Null: it names none. */
export function licenceIn(card: string): string | null {
  const yaml = yamlOf(card);
  if (yaml === undefined) return null;
  const licence = fieldOf(yaml, 'license');
  const shown = licence === undefined || licence === 'other' ? (fieldOf(yaml, 'license_name') ?? licence) : licence;
  return shown === undefined ? null : shown.slice(0, MOST_CHARACTERS);
}

/** The repository that a model was made from, where its card names one and no other. */
export function baseModelIn(card: string): string | null {
  const base = fieldOf(yamlOf(card) ?? '', 'base_model');
  return base !== undefined && /^[\w.-]{1,96}\/[\w.-]{1,96}$/.test(base) ? base : null;
}

function yamlOf(card: string): string | undefined {
  return /^\uFEFF?---\r?\n(.*?)\r?\n---/s.exec(card)?.[1];
}

/** A scalar at the top level, or the items of a list, joined. */
function fieldOf(yaml: string, name: string): string | undefined {
  const lines = yaml.split(/\r?\n/);
  const at = lines.findIndex((line) => line.startsWith(`${name}:`));
  if (at < 0) return undefined;
  const own = unquoted(lines[at]!.slice(name.length + 1));
  if (own !== '') return own;
  const items: string[] = [];
  for (const line of lines.slice(at + 1)) {
    const [, item] = /^\s*-\s+(.+)$/.exec(line) ?? [];
    if (item === undefined) break;
    items.push(unquoted(item));
  }
  return items.length > 0 ? items.join(', ') : undefined;
}

function unquoted(text: string): string {
  const bare = text.replace(/\s+#.*$/, '').trim();
  return /^(["']).*\1$/.test(bare) ? bare.slice(1, -1) : bare;
}
