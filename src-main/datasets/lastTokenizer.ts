/** Keeps the tokenizer that was asked for last, as long as its files stay the same. */
import path from 'node:path';
import { fileIdentity } from './fileIdentity.ts';
import { loadTokenizer, type TextTokenizer } from './tokenizer.ts';

export class LastTokenizer {
  #last: { key: string; tokenizer: TextTokenizer } | undefined;

  /** Throws what loadTokenizer throws. */
  of(dir: string): TextTokenizer {
    const key = fileIdentity(path.join(dir, 'tokenizer.json')) + fileIdentity(path.join(dir, 'tokenizer_config.json'));
    if (this.#last?.key !== key) this.#last = { key, tokenizer: loadTokenizer(dir) };
    return this.#last.tokenizer;
  }
}
