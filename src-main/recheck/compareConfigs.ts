/** The small files of an export against those of its source: every field of the configurations, all else by bytes. */
import fs from 'node:fs';
import path from 'node:path';
import { jsonOf } from './plainJson.ts';

interface ConfigCounts {
  /** Of config.json and generation_config.json, in the source and in the export. */
  fields: number;
  /** Those that differ, as they were meant to: `config.json: torch_dtype`. */
  changedFields: string[];
  /** Other files that are the same byte for byte. */
  files: number;
}

interface MeantChanges {
  /** PyTorch's name of the type that all weights were asked to have. */
  torchDtype: string | undefined;
  /** Ids that end a generation beside those that the source names. */
  eosTokenIds: number[] | undefined;
  /** Text of chat_template.jinja, where it is not the source's. */
  chatTemplate: string | undefined;
  /** Whether the head is a tensor of its own now. */
  untied: boolean;
}

const TEMPLATE = 'chat_template.jinja';
const CONFIGS = ['config.json', 'generation_config.json'];
/** What a model cannot be used without, wherever the source has it. */
const NEEDED =
  /^(.*config|tokenizer|special_tokens_map|added_tokens|vocab|merges)\.(json|txt)$|\.(model|tiktoken|jinja)$/;
/** Written by the export about itself, or checked with the tensors. */
const OWN = /^(parity\.json|gguf\.json|.*\.safetensors|.*\.safetensors\.index\.json)$/;

export function compareConfigs(
  sourceDir: string,
  exportDir: string,
  meant: MeantChanges,
  report: (problem: string) => void,
): ConfigCounts {
  const counts: ConfigCounts = { fields: 0, changedFields: [], files: 0 };
  for (const name of CONFIGS) compareFields(name, [sourceDir, exportDir], meant, counts, report);
  const [before, after] = [filesOf(sourceDir), filesOf(exportDir)];
  for (const name of before)
    if (NEEDED.test(name) && !after.includes(name)) report(`${name} of the source is not in the export`);
  const { chatTemplate } = meant;
  if (chatTemplate !== undefined) {
    const file = path.join(exportDir, TEMPLATE);
    if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== chatTemplate)
      report(`${TEMPLATE} is not the prompt template of the adapter`);
    else counts.changedFields.push(TEMPLATE);
  }
  const isOwn = (name: string): boolean => OWN.test(name) || (name === TEMPLATE && chatTemplate !== undefined);
  for (const name of after.filter((one) => !CONFIGS.includes(one) && !isOwn(one))) {
    const original = path.join(sourceDir, name);
    if (!fs.existsSync(original)) report(`${name} is in the export and not in the source`);
    else if (!fs.readFileSync(original).equals(fs.readFileSync(path.join(exportDir, name))))
      report(`${name} differs from the source`);
    else counts.files++;
  }
  return counts;
}

function filesOf(dir: string): string[] {
  const isPlain = (name: string): boolean =>
    !name.startsWith('.') && fs.statSync(path.join(dir, name), { throwIfNoEntry: false })?.isFile() === true;
  return fs.readdirSync(dir).filter(isPlain).sort();
}

function compareFields(
  name: string,
  [sourceDir, exportDir]: [string, string],
  meant: MeantChanges,
  counts: ConfigCounts,
  report: (problem: string) => void,
): void {
  const [before, after] = [literalsOf(path.join(sourceDir, name)), literalsOf(path.join(exportDir, name))];
  if (!before && !after && !meant.eosTokenIds?.length) return;
  const ends = endsOf(before ?? literalsOf(path.join(sourceDir, 'config.json')), meant);
  const isNew = !before;
  const fields = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  counts.fields += fields.size;
  for (const field of fields) {
    const [was, is] = [before?.get(field), after?.get(field)];
    if (was === is) continue;
    if (isMeant(field, is, meant, ends) || (isNew && isTakenOver(field, is, sourceDir)))
      counts.changedFields.push(`${name}: ${field}`);
    else report(`${name}: field ${field} is ${is ?? 'absent'} instead of ${was ?? 'absent'}`);
  }
  if (ends !== undefined && after?.get('eos_token_id') !== ends)
    report(`${name} does not name the ids ${ends} as those that end a text`);
}

function isMeant(
  field: string,
  is: string | undefined,
  { torchDtype, untied }: MeantChanges,
  ends: string | undefined,
): boolean {
  // A multimodal release says these of its text part too.
  const own = field.replace(/^text_config\./, '');
  if (own === 'torch_dtype' || own === 'dtype') return is !== undefined && is === JSON.stringify(torchDtype);
  if (own === 'tie_word_embeddings') return untied && is === 'false';
  return field === 'eos_token_id' && ends !== undefined && is === ends;
}

/** What eos_token_id must be in the export; undefined: as in the source. */
function endsOf(source: Map<string, string> | undefined, { eosTokenIds = [] }: MeantChanges): string | undefined {
  if (eosTokenIds.length === 0) return undefined;
  const known = [JSON.parse(source?.get('eos_token_id') ?? '[]') as unknown].flat().filter((id) => id !== null);
  return `[${[...new Set([...known, ...eosTokenIds])].join(',')}]`;
}

/** A generation_config.json that the source lacks repeats what its config.json says of the other special tokens. */
function isTakenOver(field: string, is: string | undefined, sourceDir: string): boolean {
  return field.endsWith('_token_id') && is === literalsOf(path.join(sourceDir, 'config.json'))?.get(field);
}

/**
 * Every field by its path, as it is written: 10.0 is not 10. Lists of numbers are one field. Undefined where there is
 * no such file.
 */
function literalsOf(file: string): Map<string, string> | undefined {
  if (!fs.existsSync(file)) return undefined;
  const fields = new Map<string, string>();
  const walk = (value: unknown, at: string): void => {
    if (value instanceof Literal) fields.set(at, value.text);
    else if (Array.isArray(value) && value.every((one) => one instanceof Literal))
      fields.set(at, `[${value.map(({ text }) => text).join(',')}]`);
    else for (const [key, inner] of Object.entries(value as object)) walk(inner, at === '' ? key : `${at}.${key}`);
  };
  walk(jsonOf(file, keepLiteral), '');
  return fields;
}

class Literal {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** JSON.parse says what a number or a text is written as. */
function keepLiteral(_: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'object' && value !== null ? value : new Literal(context?.source ?? JSON.stringify(value));
}
