/** Questions and answers that a model drafts from texts. */
import type { DraftSet } from '../../src-shared/drafts.ts';
import { changeDraftSchema, draftRowSchema, finishDraftsSchema, startDraftsSchema } from '../app/drafts/inputs.ts';
import { streamOf } from '../app/events/stream.ts';
import { byId } from '../app/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function draftsRouter({ drafts }: Services) {
  return router({
    list: procedure.query(() => drafts.list()),
    start: procedure.input(startDraftsSchema).mutation(({ input }) => drafts.start(input)),
    goOn: procedure.input(byId).mutation(({ input }) => drafts.goOn(input.id)),
    stop: procedure.input(byId).mutation(({ input }) => drafts.stop(input.id)),
    /** The set as it is, then after every change. */
    watch: procedure.input(byId).subscription(({ input: { id }, signal }) =>
      streamOf<DraftSet>((listener) => drafts.subscribe(id, listener), {
        first: [drafts.get(id)],
        isLast: () => false,
        signal,
      }),
    ),
    row: procedure.input(draftRowSchema).query(({ input }) => drafts.row(input.id, input.index)),
    change: procedure.input(changeDraftSchema).mutation(({ input }) => drafts.change(input)),
    finish: procedure.input(finishDraftsSchema).mutation(({ input }) => drafts.finish(input)),
    remove: procedure.input(byId).mutation(({ input }) => drafts.remove(input.id)),
  });
}
