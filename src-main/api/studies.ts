/** Studies: variants of one run compared over several seeds. */
import { z } from 'zod';
import { byId } from '../app/inputs.ts';
import type { Services } from '../app/services.ts';
import { startStudySchema } from '../app/studies/input.ts';
import { procedure, router } from './trpc.ts';

const withBaseline = byId.extend({ baseline: z.number().int().min(0).optional() });

export function studiesRouter({ studies }: Services) {
  return router({
    list: procedure.query(() => studies.list()),
    get: procedure.input(withBaseline).query(({ input }) => studies.get(input.id, input.baseline)),
    ofRun: procedure.input(byId).query(({ input }) => studies.ofRun(input.id)),
    preview: procedure.input(startStudySchema).query(({ input }) => studies.preview(input)),
    start: procedure.input(startStudySchema).mutation(({ input }) => studies.start(input)),
    resume: procedure.input(byId).mutation(({ input }) => studies.resume(input.id)),
    cancel: procedure.input(byId).mutation(({ input }) => studies.cancel(input.id)),
    remove: procedure.input(byId).mutation(({ input }) => studies.remove(input.id)),
  });
}
