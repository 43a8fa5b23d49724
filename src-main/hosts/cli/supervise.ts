/** A command in a child process that ends when it is asked to, one way or the other. Imports nothing heavy. */
import { spawn } from 'node:child_process';

/** How long a command may be deaf, and how long one that has heard may take to end cleanly; then it is killed. */
const GRACE_MS = 2000;
const CLEANING_MS = 10_000;

/** One press comes twice: from the terminal, and forwarded by the launcher that started this process. */
export const SAME_PRESS_MS = 300;

/** The answer to Ctrl-C, before the command itself has heard of it. */
const STOPPING = 'Stopping …; press Ctrl-C again to end at once.\n';

/**
 * The exit code: the command's own, 130 after an interruption. Workers that it reports as `{ worker: pid }` end too;
 * with `{ ending: true }` it says that it has heard.
 */
export async function superviseCommand(entry: string, argv: string[], graceMs = GRACE_MS): Promise<number> {
  const child = spawn(process.execPath, [entry, ...argv], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const workers = new Set<number>();
  child.on('message', (message) => {
    const worker: unknown = Reflect.get(Object(message), 'worker');
    if (typeof worker === 'number') workers.add(worker);
    if (Reflect.get(Object(message), 'ending') === true) killAfter(CLEANING_MS);
  });
  let interrupted = false;
  let interruptedAtMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const kill = (): void => void child.kill('SIGKILL');
  const interrupt = (signal: NodeJS.Signals): void => {
    // A second Ctrl-C waits for nothing.
    if (interrupted) return performance.now() - interruptedAtMs < SAME_PRESS_MS ? undefined : kill();
    interrupted = true;
    interruptedAtMs = performance.now();
    if (signal === 'SIGINT') process.stderr.write(STOPPING);
    child.kill(signal);
    killAfter(graceMs);
  };
  function killAfter(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(kill, ms).unref();
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);

  const ended = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`The command could not be started: ${error.message}\n`);
      resolve({ code: 1, signal: null });
    });
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  if (ended.signal !== null) for (const worker of workers) endProcess(worker);
  if (interrupted) return 130;
  if (ended.signal !== null)
    process.stderr.write(
      `The command was ended by ${ended.signal}; run it again, with less at a time if memory ran out.\n`,
    );
  return ended.code ?? 1;
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
