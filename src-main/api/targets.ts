/** Targets: places beside this machine where runs can be trained. */
import type { Services } from '../app/services.ts';
import { addTargetSchema, targetNameSchema } from '../app/targets/inputs.ts';
import { procedure, router } from './trpc.ts';

export function targetsRouter({ targets }: Services) {
  return router({
    list: procedure.query(() => targets.list()),
    add: procedure.input(addTargetSchema).mutation(({ input }) => targets.add(input)),
    remove: procedure.input(targetNameSchema).mutation(({ input }) => targets.remove(input.name)),
    /** What is there of all that a run needs; asks the machine, which takes seconds. */
    check: procedure.input(targetNameSchema).mutation(({ input }) => targets.check(input.name)),
    /** How busy it is; asks the machine. */
    load: procedure.input(targetNameSchema).query(({ input }) => targets.load(input.name)),
  });
}
