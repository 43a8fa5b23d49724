/** Rows that are no file of rows yet: documents, and what was pasted. */
import type { ConvertEvent } from '../../src-shared/documents.ts';
import { convertDocuments } from '../app/datasets/documents.ts';
import { convertSchema, pasteSchema } from '../app/datasets/inputs.ts';
import { writePasted } from '../app/datasets/paste.ts';
import { streamOfCall } from '../app/events/stream.ts';
import type { Services } from '../app/services.ts';
import { procedure } from './trpc.ts';

export function sourceProcedures({ home }: Services) {
  return {
    /** Makes a file of rows; a caller that goes away calls it off, and nothing is written. */
    convert: procedure.input(convertSchema).subscription(({ input, signal }) =>
      streamOfCall<ConvertEvent>((tell) => {
        const controller = new AbortController();
        const converted = convertDocuments(home, input, {
          signal: controller.signal,
          onProgress: (progress) => tell({ type: 'progress', ...progress }),
        });
        return {
          ended: converted.then((result) => tell({ type: 'done', result })),
          stop: () => controller.abort(),
        };
      }, signal),
    ),
    /** The path of the file that holds the pasted rows now. */
    paste: procedure.input(pasteSchema).mutation(async ({ input }) => ({ file: await writePasted(home, input) })),
  };
}
