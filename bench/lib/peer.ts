/**
 * A rival in its own process. It stays idle until it is asked: one JSON request per line on its stdin, one answer line
 * `@{json}` on its stdout; other lines on stdout are its own chatter.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface PeerCommand {
  /** The system's name in tables. */
  name: string;
  command: string;
  args: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Largest difference of its losses from Graft's that its arithmetic explains. */
  lossTolerance: number;
}

interface Waiting {
  resolve(answer: object): void;
  reject(error: Error): void;
}

export class Peer {
  readonly name: string;
  readonly lossTolerance: number;
  private readonly child: ChildProcess;
  private waiting: Waiting | null = null;
  private errors = '';

  constructor({ name, command, args, cwd, env, lossTolerance }: PeerCommand) {
    this.name = name;
    this.lossTolerance = lossTolerance;
    this.child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr!.on('data', (chunk: Buffer) => (this.errors = (this.errors + chunk.toString()).slice(-4000)));
    this.child.stdin!.on('error', () => undefined); // the exit tells more
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.receive(line));
    this.child.on('error', (error) => this.fail(error.message));
    this.child.on('close', (code, signal) => this.fail(`ended with ${signal ?? `code ${code}`}`));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Rejects when the peer reports an error or ends. One request at a time. */
  ask<T extends object>(command: string, request: object = {}): Promise<T> {
    if (this.waiting) throw new Error(`${this.name} is still busy`);
    return new Promise<T>((resolve, reject) => {
      this.waiting = { resolve: (answer) => resolve(answer as T), reject };
      this.child.stdin!.write(`${JSON.stringify({ command, ...request })}\n`);
    });
  }

  /** Lets the process end by itself. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin!.end();
    await ended;
  }

  private receive(line: string): void {
    if (!line.startsWith('@') || !this.waiting) return;
    const { resolve, reject } = this.waiting;
    this.waiting = null;
    const answer = JSON.parse(line.slice(1)) as { error?: string };
    if (answer.error === undefined) resolve(answer);
    else reject(new Error(`${this.name}: ${answer.error}`));
  }

  private fail(reason: string): void {
    this.waiting?.reject(new Error(`${this.name} ${reason}${this.errors ? `:\n${this.errors.trimEnd()}` : ''}`));
    this.waiting = null;
  }
}

/** Starts the peers, gives them to `work`, and ends them however it goes. */
export async function withPeers<T>(commands: PeerCommand[], work: (peers: Peer[]) => Promise<T>): Promise<T> {
  const peers = commands.map((command) => new Peer(command));
  try {
    return await work(peers);
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
}
