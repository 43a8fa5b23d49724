/** This machine as one that jobs are sent to: a login node of a cluster, or where a test looks. */
import fs from 'node:fs';
import path from 'node:path';
import { askHere } from './askHere.ts';
import type { Machine } from './machine.ts';
import { machineOver } from './machineOver.ts';
import { stoppedError } from './transfer.ts';

/** Names of variables whose values no job needs and nobody else is to see. */
const SECRET = /TOKEN|SECRET|PASSWORD|KEY/i;

export function localMachine(): Machine {
  return machineOver(askHere(withoutSecrets(process.env)), {
    name: 'this machine',
    isLocal: true,
    move: async (files, { from, to, signal }) => {
      for (const { sha256 } of files) {
        if (signal?.aborted) throw stoppedError(from, to);
        await copyTo(path.join(from, sha256), to);
      }
    },
    close: () => undefined,
  });
}

/** An error of a copy names its source, though it is the other disk that is full. */
async function copyTo(file: string, dir: string): Promise<void> {
  try {
    await fs.promises.copyFile(file, path.join(dir, path.basename(file)));
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'ENOSPC'
      ? Object.assign(error, { path: dir })
      : error;
  }
}

function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SECRET.test(name)));
}
