/** Prompts that the adapter was not trained on: the validation rows of its run, or fixed texts. */
import fs from 'node:fs';
import path from 'node:path';
import { fileSha256 } from '../../files/sha256.ts';
import { splitRowList } from '../../datasets/split.ts';
import { prepareTokens, type PreparedTokens } from '../../datasets/tokens/preparedTokens.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { Random } from '../../../src-shared/random.ts';
import type { MergeParams } from '../../../src-shared/exports.ts';

const PROMPTS = 8;
const PROMPT_TOKENS = 48;

/** Of what users write, in a few forms. */
export const FIXED_TEXTS = [
  'The quick brown fox jumps over the lazy dog.',
  'Once upon a time there was a small village by the sea, and in it lived',
  'name : The Eagle | food : Italian | area : riverside |',
  'def main():\n    print("hello")\n',
  '1, 2, 3, 5, 8, 13,',
  'Question: What is the capital of France?\nAnswer:',
  'Liebe Freunde, heute möchte ich euch erzählen,',
  '{"id": 7, "tags": ["a", "b"], "value": 3.14}',
];

/** Token ids, at most 48 each. A model without a tokenizer gets random ids. */
export async function heldOutPrompts(
  modelDir: string,
  spec: ArchitectureSpec,
  heldOut: MergeParams['heldOut'],
): Promise<Int32Array[]> {
  const longest = Math.min(PROMPT_TOKENS, Math.floor(spec.maxPositions / 2));
  if (!fs.existsSync(path.join(modelDir, 'tokenizer.json'))) return randomPrompts(spec.vocab, longest);
  const tokenizer = loadTokenizer(modelDir);
  const prepared = heldOut && (await unchanged(heldOut.data, tokenizer, spec.vocab, modelDir));
  if (heldOut && prepared) {
    try {
      const { val } = splitRowList(prepared.examples, heldOut.val, heldOut.seed);
      const order = Array.from({ length: val.length }, (_, row) => row);
      const rows = Random.stream(heldOut.seed, 'parity').shuffle(order).slice(0, PROMPTS);
      if (rows.length) return rows.map((row) => val.at(row)!.ids.slice(0, longest));
    } finally {
      prepared.close();
    }
  }
  return FIXED_TEXTS.map((text) => Int32Array.from(tokenizer.encodePrompt(text).slice(0, longest)));
}

/** A file that has moved or changed since the run says nothing about what the run held out. */
async function unchanged(
  data: NonNullable<MergeParams['heldOut']>['data'],
  tokenizer: TextTokenizer,
  vocab: number,
  modelDir: string,
): Promise<PreparedTokens | undefined> {
  const { file, hash } = data;
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat || hash === undefined || (stat.isFile() && fileSha256(file) !== hash)) return undefined;
  const prepared = await prepareTokens({ ...data, tokenizer, vocab, modelDir });
  if (prepared.sha256 === hash) return prepared;
  prepared.close();
  return undefined;
}

function randomPrompts(vocab: number, length: number): Int32Array[] {
  const random = Random.stream(0, 'parity');
  return Array.from({ length: PROMPTS }, () => Int32Array.from({ length }, () => random.integer(vocab)));
}
