/** Asks a program of the system, with a deadline that holds even where the program cannot be ended. */
import { execFile } from 'node:child_process';

/** A driver that answers takes a second at most; one that hangs must not hold anything up. */
const LIMIT_MS = 4000;

/** What it prints; null where it is not there, fails or takes too long. */
export type RunTool = (program: string, args: string[]) => Promise<string | null>;

export const runTool: RunTool = (program, args) =>
  new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { encoding: 'utf8', timeout: LIMIT_MS, killSignal: 'SIGKILL', windowsHide: true },
      (error, text) => settle(error ? null : text),
    );
    // A process that waits for its driver cannot be killed, and would never report its end.
    const deadline = setTimeout(() => settle(null), LIMIT_MS + 500);
    const settle = (text: string | null): void => {
      clearTimeout(deadline);
      child.unref();
      resolve(text);
    };
  });
