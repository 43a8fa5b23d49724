/** Keeps the machine from going to sleep while a run is under way, where the user wants it and the system has a way. */
import { spawn } from 'node:child_process';
import type { RunService } from '../runs/service.ts';
import type { SettingsService } from '../settings/service.ts';

/** Keeps it awake until the returned function is called. */
export type StayAwake = () => () => void;

/**
 * By the system's own program, which ends with this process, whatever ends that: systemd-inhibit keeps a `cat` that
 * ends with its input, caffeinate watches a process id. Undefined elsewhere; a program that is missing or refused does
 * nothing.
 */
export function systemStayAwake(platform: NodeJS.Platform = process.platform): StayAwake | undefined {
  const what = 'sleep:idle';
  const command: Partial<Record<NodeJS.Platform, [string, string[]]>> = {
    linux: ['systemd-inhibit', [`--what=${what}`, '--who=Graft', '--why=A run is under way', '--mode=block', 'cat']],
    darwin: ['caffeinate', ['-i', '-w', String(process.pid)]],
  };
  const found = command[platform];
  if (!found) return undefined;
  const [program, args] = found;
  return () => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    child.on('error', () => undefined); // it is not installed
    child.stdin.on('error', () => undefined);
    child.unref();
    return () => {
      child.stdin.destroy();
      child.kill();
    };
  };
}

interface Parts {
  runs: Pick<RunService, 'subscribeAll'>;
  settings: Pick<SettingsService, 'read' | 'subscribe'>;
  stayAwake: StayAwake | undefined;
}

export class KeepAwake {
  #parts: Parts;
  #running = new Set<string>();
  #sleepAgain: (() => void) | undefined;
  #ends: (() => void)[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): void {
    const { runs, settings } = this.#parts;
    const onRun = (id: string, isRunning: boolean): void => {
      if (isRunning) this.#running.add(id);
      else this.#running.delete(id);
      this.#update();
    };
    this.#ends = [
      runs.subscribeAll((event) => {
        if (event.type === 'run') onRun(event.run.id, event.run.status === 'running');
        else if (event.type === 'removed') onRun(event.id, false);
      }),
      settings.subscribe(() => this.#update()),
    ];
  }

  close(): void {
    this.#ends.forEach((end) => end());
    this.#running.clear();
    this.#update();
  }

  #update(): void {
    const isWanted = this.#running.size > 0 && this.#parts.settings.read().keepAwake;
    if (isWanted) this.#sleepAgain ??= this.#parts.stayAwake?.();
    else {
      this.#sleepAgain?.();
      this.#sleepAgain = undefined;
    }
  }
}
