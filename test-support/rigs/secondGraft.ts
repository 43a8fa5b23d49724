/**
 * `secondGraft.ts HOME [PROGRAM]`: a Graft of its own on a data folder, which attends to runs on targets until it is
 * killed. With PROGRAM it dies by SIGKILL at the moment when that program (`sbatch`, `worker`) has been begun there, or
 * when a result has been copied (`fetch`).
 */
import { Machines } from '../../src-main/app/away/machines.ts';
import { createServices } from '../../src-main/app/services.ts';
import type { Machine } from '../../src-main/remote/machine.ts';

const [home, program] = process.argv.slice(2);

class Watched extends Machines {
  override of(target: Parameters<Machines['of']>[0]): Machine {
    const machine = super.of(target);
    const dieAfter = async <T>(argv: readonly string[], work: Promise<T>): Promise<T> => {
      const result = await work;
      if (program !== undefined && argv.includes(program)) process.kill(process.pid, 'SIGKILL');
      return result;
    };
    return {
      ...machine,
      run: (argv, options) => dieAfter(argv, machine.run(argv, options)),
      fetch: (from, to, options) => dieAfter(['fetch'], machine.fetch(from, to, options)),
      start: (argv, options) => dieAfter(argv, machine.start(argv, options)),
    };
  }
}

createServices({ home: home!, away: { machines: new Watched(), timing: { lookMs: 200, patienceMs: 3000 } } });
