/** Another machine over the system's own ssh. */
import type { Connection } from '../../src-shared/remoteTargets.ts';
import { agentLink } from './agentLink.ts';
import type { Machine } from './machine.ts';
import { machineOver } from './machineOver.ts';
import { moveBy, toolFor, type Tool } from './sshMoves.ts';

export interface SshMachineOptions {
  /** Node there; absent: the one on its path. */
  node?: string | undefined;
  /** How sentences name it; absent: the host. */
  name?: string;
  /** Absent: rsync where both sides have it. */
  tool?: Tool;
}

/** Connects when something is asked. Throws HOST_UNKNOWN, HOST_KEY_CHANGED and MACHINE_AWAY from any of its calls. */
export function sshMachine(connection: Connection, options: SshMachineOptions = {}): Machine {
  const name = options.name ?? connection.host;
  const place = { name, connection, node: options.node ?? 'node' };
  const { ask, close } = agentLink(place);
  let tool = options.tool;
  return machineOver(ask, {
    name,
    isLocal: false,
    move: async (files, job) => {
      tool ??= await toolFor(ask);
      await moveBy(tool, place)(files, job);
    },
    close,
  });
}
