/** What only a target itself can tell, asked of its machine. */
import type { Catalog } from '../../catalog/catalog.ts';
import { checkTarget } from '../../remote/checkTarget.ts';
import { load } from '../../slurm/load.ts';
import type { AskTarget } from '../targets/service.ts';
import type { Machines } from './machines.ts';

export function askMachines(catalog: Catalog, machines: Machines): AskTarget {
  return {
    check: (target) => checkTarget(machines.of(target), target),
    load: async (target) => {
      if (target.kind === 'slurm') return load(machines.of(target), target.options, target.processes);
      // Whether it answers; nobody queues there but this Graft.
      await machines.of(target).exists('/');
      const ours = catalog.away.open().filter((away) => away.target === target.name);
      const runs = ours.flatMap(({ runId }) => catalog.runs.get(runId) ?? []);
      const running = runs.filter(({ status }) => status === 'running').length;
      return { running, waiting: runs.length - running, startsAt: null };
    },
  };
}
