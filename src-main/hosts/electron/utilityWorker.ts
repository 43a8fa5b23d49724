/** A worker process as a child of Electron: the same channel as app/workers/channel.ts, over a utilityProcess. */
import type { ForkOptions, UtilityProcess } from 'electron';
import type { SpawnWorker, WorkerExit } from '../../app/workers/channel.ts';
import { workerEnvironment } from '../../app/workers/environment.ts';

type Child = Pick<UtilityProcess, 'pid' | 'stderr' | 'postMessage' | 'kill'> & {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
};

/** @param fork Electron's `utilityProcess.fork`; @param entry the bundled worker script. */
export function utilityWorkers(
  fork: (entry: string, args: string[], options: ForkOptions) => Child,
  entry: string,
): SpawnWorker {
  return (gpu) => {
    const child = fork(entry, [], {
      env: workerEnvironment(gpu),
      stdio: ['ignore', 'ignore', 'pipe'],
      serviceName: 'Graft worker',
    });
    const exitListeners: ((exit: WorkerExit) => void)[] = [];
    let lastErrorLine = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      lastErrorLine = chunk.toString('utf8').trim().split('\n').at(-1)?.trim() || lastErrorLine;
    });
    child.on('exit', (code) => {
      for (const listener of exitListeners) listener({ code, signal: null, lastErrorLine });
    });
    return {
      get pid() {
        return child.pid;
      },
      post: (message) => child.postMessage(message),
      onMessage: (listener) => void child.on('message', listener),
      onExit: (listener) => void exitListeners.push(listener),
      kill: () => {
        // utilityProcess.kill only asks (SIGTERM), which a native training step does not hear.
        if (child.pid === undefined) child.kill();
        else process.kill(child.pid, 'SIGKILL');
      },
    };
  };
}
