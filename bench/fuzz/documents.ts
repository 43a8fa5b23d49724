/** Documents of every kind, each made into rows in the thread for documents. */
import fs from 'node:fs';
import path from 'node:path';
import { documentRowsSchema } from '../../src-shared/documents.ts';
import { documentThreads } from '../../src-main/datasets/documents/documentThreads.ts';
import type { Form } from './mutate.ts';
import type { Reader } from './reader.ts';

const MADE = path.resolve(import.meta.dirname, '../../test-support/fixtures/documents');
const MARKDOWN = `# Title\n\n${'A paragraph of some words.\n\n'.repeat(20)}\`\`\`\ncode\n\`\`\`\n\nMore\n----\n`;
const SETTINGS = documentRowsSchema.parse({ maxChars: 200, overlapChars: 40 });

const DOCUMENTS: [name: string, content: Uint8Array | string, form: Form][] = [
  ['report.pdf', made('report.pdf'), 'bytes'],
  ['ligatures.pdf', made('ligatures.pdf'), 'bytes'],
  ['letter.docx', made('letter.docx'), 'zip'],
  ['ligatures.html', made('ligatures.html'), 'text'],
  ['notes.md', MARKDOWN, 'text'],
];

export const documentReaders: Reader[] = DOCUMENTS.map(([name, content, form]): Reader => ({
  name: `document ${name}`,
  async write(dir) {
    fs.writeFileSync(path.join(dir, name), content);
    return { [name]: form };
  },
  async read(dir) {
    const { lines } = await documentThreads.read({ file: path.join(dir, name), source: name, settings: SETTINGS });
    for (const line of lines.split('\n').filter(Boolean)) {
      const { text } = JSON.parse(line) as { text: string };
      if (text.length > SETTINGS.maxChars) throw new Error(`a row has ${text.length} characters`);
    }
    return [];
  },
}));

function made(name: string): Uint8Array {
  return fs.readFileSync(path.join(MADE, name));
}
