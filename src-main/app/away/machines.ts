/** The machines of targets, each connected once. */
import type { Machine } from '../../remote/machine.ts';
import { localMachine } from '../../remote/localMachine.ts';
import { sshMachine } from '../../remote/sshMachine.ts';
import type { RemoteTarget } from '../../../src-shared/remoteTargets.ts';

export class Machines {
  #known = new Map<string, { spec: string; machine: Machine }>();

  /** Of the target as it is now. */
  of(target: RemoteTarget): Machine {
    const spec = JSON.stringify(target);
    const known = this.#known.get(target.name);
    if (known?.spec === spec) return known.machine;
    known?.machine.close();
    const { connection, name, node } = target;
    const machine = connection ? sshMachine(connection, { name, node }) : localMachine();
    this.#known.set(name, { spec, machine });
    return machine;
  }

  close(): void {
    for (const { machine } of this.#known.values()) machine.close();
    this.#known.clear();
  }
}
