/** The licence of a base model, as the card in its folder names it. Runs in a look. */
import fs from 'node:fs';
import path from 'node:path';
import { licenceIn } from '../../exporting/card/frontMatter.ts';
import { readForeignText } from '../../files/foreignFile.ts';

/** Null: there is no card, or it names none. */
export function licenceOf(dir: string): string | null {
  const file = path.join(dir, 'README.md');
  return fs.existsSync(file) ? licenceIn(readForeignText(file)) : null;
}
