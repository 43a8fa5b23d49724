/** `datasets documents`. */
import { convertDocuments } from '../../app/datasets/documents.ts';
import { convertSchema } from '../../app/datasets/inputs.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { Command } from './command.ts';

export const datasetsDocuments: Command = {
  name: 'datasets documents',
  positionals: ['PATH…'],
  summary: 'Makes rows of documents (PDF, DOCX, HTML, Markdown, text; files or folders) and registers them.',
  options: {
    row: { type: 'string', value: 'UNIT', help: 'what a row is: chunk, page or document (chunk)' },
    'max-chars': { type: 'string', value: 'N', help: 'characters of a chunk at most, about four to a token (2000)' },
    overlap: { type: 'string', value: 'N', help: 'characters that a chunk shares with the one before it (0)' },
    name: { type: 'string', value: 'NAME', help: 'name in the catalogue (that of the first document)' },
  },
  async run({ args, api, services, print, say }) {
    const input = convertSchema.parse({
      paths: args.positionals,
      rowUnit: args.choice('row', ['chunk', 'page', 'document']),
      maxChars: args.integer('max-chars'),
      overlapChars: args.integer('overlap'),
    });
    let reading = '';
    const converted = await convertDocuments(services.home, input, {
      onProgress: ({ file }) => {
        if (file !== reading) say(`Reading ${file}`);
        reading = file;
      },
    });
    converted.notes.forEach(print);
    for (const { reason } of converted.refused) print(`Left out: ${reason}`);
    const dataset = await api.datasets.add({ file: converted.file, name: args.text('name') });
    print(
      `Added ${dataset.name} (${dataset.id}): ${counted(dataset.rows, 'row')} of ` +
        `${counted(converted.documents, 'document')}.`,
    );
    return { ...converted, dataset };
  },
};
