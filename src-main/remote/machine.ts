/**
 * A machine that jobs are sent to, this one or another. Programs are started without a shell: their arguments reach
 * them as they are. Paths are absolute, or begin with `~/` on another machine.
 */
export interface Machine {
  /** How sentences name it. */
  readonly name: string;
  readonly isLocal: boolean;
  /** Runs a program to its end, whatever its exit code (null: it could not be started, or was ended by a signal). */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a program that outlives this connection, in a group of its own; its output is appended to `logFile`. */
  start(argv: readonly string[], options: { cwd: string; logFile: string }): Promise<{ pid: number }>;
  /** Whether the process lives that `start` began, or another of this number in this folder. */
  isAlive(pid: number): Promise<boolean>;
  /** SIGTERM to the process alone, which ends its own in order; SIGKILL to all of its group. */
  signal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /**
   * Bytes of a regular file of this user, from `from` on, at most `most` (16 MiB where absent). Null where there is no
   * such file. Throws NOT_OURS for a link, or a file of somebody else.
   */
  read(file: string, options?: { from?: number; most?: number }): Promise<ReadResult | null>;
  /** The file whole or not at all, readable by this user alone; folders on the way are made. */
  write(file: string, text: string): Promise<void>;
  /**
   * Makes the folder, for this user alone, where it is missing. Throws NOT_OURS where a link or somebody else's stands.
   */
  makeFolder(dir: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Removes a folder and all below it; links are removed, not followed. */
  remove(dir: string): Promise<void>;
  /** Free bytes on the disk of this folder, or of the nearest one above that exists. */
  freeBytes(dir: string): Promise<number>;
  /**
   * Copies all regular files below `from` on this machine, and those that links to files there name, to `to` there; a
   * file that is there with the same bytes is left alone, one that was cut off goes on. Checks the hashes afterwards.
   * Throws TRANSFER_BROKEN.
   */
  send(from: string, to: string, options?: TransferOptions): Promise<void>;
  /** The other way round; `only`: these files and folders, by their paths below `from`. Links there are left behind. */
  fetch(from: string, to: string, options?: TransferOptions & { only?: readonly string[] }): Promise<void>;
  close(): void;
}

interface RunOptions {
  cwd?: string;
  input?: string;
  timeoutMs?: number;
}

export interface RunResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface ReadResult {
  bytes: Uint8Array;
  /** Of the whole file. */
  sizeBytes: number;
}

export interface TransferOptions {
  onProgress?: (doneBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}
