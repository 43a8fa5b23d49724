/** The machines of targets, with some of what they do changed for a test. */
import { Machines } from '../../src-main/app/away/machines.ts';
import type { Machine } from '../../src-main/remote/machine.ts';

export class ChangedMachines extends Machines {
  #change: (machine: Machine) => Partial<Machine>;

  constructor(change: (machine: Machine) => Partial<Machine>) {
    super();
    this.#change = change;
  }

  override of(target: Parameters<Machines['of']>[0]): Machine {
    const machine = super.of(target);
    return { ...machine, ...this.#change(machine) };
  }
}
