/** Whether a tokenizer.json has the form that the tokenizer library takes for granted, before the library sees it. */
import { isObject, type JsonObject } from './tokenizerFiles.ts';

/** The library makes a list as long as the largest id; gaps are rare, and small. */
const MOST_GAPS = 65_536;
const MOST_PATTERN_CHARACTERS = 20_000;

/** What is wrong, as in "it <problem>"; undefined where nothing is. */
export function tokenizerProblem(tokenizer: JsonObject): string | undefined {
  const model = tokenizer['model'] as JsonObject;
  const { vocab, merges, type } = model;
  const added = tokenizer['added_tokens'] as unknown[];
  return (
    vocabProblem(vocab) ??
    mergesProblem(merges, type) ??
    addedProblem(added) ??
    idProblem(vocab, added) ??
    patternProblem(tokenizer)
  );
}

function vocabProblem(vocab: unknown): string | undefined {
  if (Array.isArray(vocab)) {
    const bad = vocab.findIndex(
      (entry) => !Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number',
    );
    return bad < 0 ? undefined : `has an entry ${bad} of its vocabulary that is not a text and a number`;
  }
  if (!isObject(vocab)) return 'has no vocabulary';
  for (const token in vocab)
    if (!isId(vocab[token])) return `gives the token ${JSON.stringify(token.slice(0, 40))} no whole number as its id`;
  return undefined;
}

function mergesProblem(merges: unknown, type: unknown): string | undefined {
  if (type !== 'BPE') return undefined;
  if (!Array.isArray(merges)) return 'has no list of merges';
  const isPair = (one: unknown): boolean => Array.isArray(one) && one.every((part) => typeof part === 'string');
  const asLists = isPair(merges[0]);
  const bad = merges.findIndex((one) => (asLists ? !isPair(one) : typeof one !== 'string'));
  return bad < 0 ? undefined : `has a merge ${bad} that is not a pair of texts`;
}

function addedProblem(added: unknown[]): string | undefined {
  const bad = added.findIndex(
    (token) => !isObject(token) || typeof token['content'] !== 'string' || !isId(token['id']),
  );
  return bad < 0 ? undefined : `has an added token ${bad} without a text and an id`;
}

function idProblem(vocab: unknown, added: unknown[]): string | undefined {
  const ids = isObject(vocab) ? Object.values(vocab) : [];
  const all = [...added.map((token) => (token as JsonObject)['id']), Array.isArray(vocab) ? vocab.length : 0];
  const entries = ids.length + added.length + (Array.isArray(vocab) ? vocab.length : 0);
  const most = 2 * entries + MOST_GAPS;
  for (const list of [ids, all])
    for (const id of list)
      if ((id as number) >= most) return `has the id ${String(id)}, although it holds only ${entries} tokens`;
  return undefined;
}

function patternProblem(tokenizer: JsonObject): string | undefined {
  for (const part of ['normalizer', 'pre_tokenizer', 'decoder']) {
    const stack = [tokenizer[part]];
    while (stack.length > 0) {
      const one = stack.pop();
      if (Array.isArray(one)) for (const inner of one) stack.push(inner);
      if (!isObject(one)) continue;
      const { type, Regex: regex, String: text, pattern: inner } = one;
      const isPattern = isObject(inner) && (inner['Regex'] ?? inner['String']) !== undefined;
      if ((type === 'Split' || type === 'Replace') && !isPattern)
        return `has a pattern in its ${part} that is neither Regex nor String`;
      for (const pattern of [regex, text]) {
        if (pattern !== undefined && typeof pattern !== 'string')
          return `has a pattern in its ${part} that is not text`;
        if (typeof pattern === 'string' && pattern.length > MOST_PATTERN_CHARACTERS)
          return `has a pattern of ${pattern.length} characters in its ${part}`;
      }
      for (const value of Object.values(one)) if (typeof value === 'object') stack.push(value);
    }
  }
  return undefined;
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
