/** Which files of a repository Graft needs: weights, configuration, tokenizer, licence. Never code. */
import type { PullKind } from '../../src-shared/pulls.ts';
import { counted } from '../../src-shared/plural.ts';
import { GraftError } from '../../src-shared/errors.ts';

export interface Choice<F> {
  kind: PullKind;
  /** Small files first: what they say may make the large ones needless. */
  files: F[];
}

const TEXTS = /^(README\.md|(LICEN[CS]E|NOTICE|USE_POLICY)[\w.-]*)$/i;
const MODEL_SIDE = new Set([
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'config.json',
  'generation_config.json',
  'merges.txt',
  'special_tokens_map.json',
  'spiece.model',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer_config.json',
  'vocab.json',
  'vocab.txt',
]);
const ADAPTER_CONFIG = 'adapter_config.json';
/** Beside adapter_config.json; graft.json names the base by its hash. */
const ADAPTER_SIDE = new Set([ADAPTER_CONFIG, 'graft.json']);

interface Form {
  whole: string;
  index: string;
  shard: RegExp;
}
/** The first form that a repository has is taken, so pickles only where there is nothing else. */
const MODEL_FORMS: Form[] = [
  { whole: 'model.safetensors', index: 'model.safetensors.index.json', shard: shards('model', 'safetensors') },
  { whole: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json', shard: shards('pytorch_model', 'bin') },
];
const ADAPTER_FORMS = ['adapter_model.safetensors', 'adapter_model.bin'];

function shards(stem: string, ending: string): RegExp {
  return new RegExp(`^${stem}-(\\d{5})-of-(\\d{5})\\.${ending}$`);
}

/**
 * Of the files in the root of a repository, or of those beside the GGUF file that is named.
 * Throws HUB_NO_WEIGHTS or HUB_NOT_FOUND.
 */
export function chooseFiles<F extends { name: string; sizeBytes: number }>(
  repository: string,
  all: F[],
  ggufFile?: string,
): Choice<F> {
  if (ggufFile !== undefined) return { kind: 'gguf', files: withTexts(all, [ggufOf(repository, all, ggufFile)]) };
  const byName = new Map(all.map((file) => [file.name, file]));
  const weights = byName.has('config.json') ? modelWeights(repository, byName) : undefined;
  if (weights) return { kind: 'model', files: withTexts(all, [...sided(all, MODEL_SIDE), ...weights]) };
  const adapter = ADAPTER_FORMS.map((name) => byName.get(name)).find((file) => file !== undefined);
  if (byName.has(ADAPTER_CONFIG) && adapter)
    return { kind: 'adapter', files: withTexts(all, [...sided(all, ADAPTER_SIDE), adapter]) };
  throw noWeights(repository, all);
}

function modelWeights<F extends { name: string }>(repository: string, byName: Map<string, F>): F[] | undefined {
  for (const { whole, index, shard } of MODEL_FORMS) {
    const single = byName.get(whole);
    if (single) return [single];
    const indexFile = byName.get(index);
    if (!indexFile) continue;
    const parts = [...byName.values()].filter(({ name }) => shard.test(name));
    const [, , total] = shard.exec(parts[0]?.name ?? '') ?? [];
    if (parts.length === 0 || parts.length !== Number(total))
      throw new GraftError(
        'HUB_NO_WEIGHTS',
        `${repository} lists ${index}, but ${counted(parts.length, 'shard')} of ${Number(total ?? 0)}; ask its ` +
          'author, or choose another revision.',
        { repository },
      );
    return [indexFile, ...parts];
  }
  return undefined;
}

function sided<F extends { name: string }>(all: F[], names: Set<string>): F[] {
  return all.filter(({ name }) => names.has(name));
}

function withTexts<F extends { name: string; sizeBytes: number }>(all: F[], needed: F[]): F[] {
  const texts = all.filter(({ name }) => TEXTS.test(name));
  return [...texts, ...needed].sort((a, b) => a.sizeBytes - b.sizeBytes || (a.name < b.name ? -1 : 1));
}

function ggufOf<F extends { name: string }>(repository: string, all: F[], wanted: string): F {
  const found = all.find(({ name }) => name === wanted);
  if (found) return found;
  throw new GraftError('HUB_NOT_FOUND', `${repository} has no file ${wanted}${named(ggufs(all))}; check its name.`, {
    repository,
    file: wanted,
  });
}

function noWeights(repository: string, all: { name: string }[]): GraftError {
  const found = ggufs(all);
  const where = `${repository} has no weights that Graft reads (safetensors or pytorch_model.bin with config.json)`;
  return new GraftError(
    'HUB_NO_WEIGHTS',
    found.length > 0
      ? `${where}${named(found)}; name one of them: hf:${repository}/${found[0]}.`
      : `${where}; choose another repository or revision.`,
    { repository, gguf: found },
  );
}

function ggufs(all: { name: string }[]): string[] {
  return all.map(({ name }) => name).filter((name) => /\.gguf$/i.test(name));
}

function named(names: string[]): string {
  if (names.length === 0) return '';
  return `, but ${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}`;
}
