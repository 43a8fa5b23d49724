/** The start page. */
import { startBoard } from '../app/home/board.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function homeRouter({ catalog }: Services) {
  return router({
    /** Everything the start page shows, in one call. */
    board: procedure.query(() => startBoard(catalog)),
  });
}
