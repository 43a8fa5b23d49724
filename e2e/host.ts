/** Starts Graft for one test, on the web host or in Electron, each with a data folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { _electron, type Browser, type Page } from '@playwright/test';
import { hostEntry } from '../test-support/hostEntry.ts';
import { electronBinary } from '../scripts/lib/electron.mjs';

export const REPO = path.resolve(import.meta.dirname, '..');
const START_LIMIT_MS = 60_000;

/** Variables of the environment that a host gets beside our own. */
export type HostEnv = Record<string, string>;

export interface RunningApp {
  page: Page;
  /** Of the process that owns the data folder. */
  pid: number;
  /** Ends the server, does something, and starts it again at the same address. Only on the web host. */
  restart?: (whileDown: () => Promise<void>) => Promise<void>;
  /** Ends the server without a warning and starts it again at the same address. Only on the web host. */
  kill?: () => Promise<void>;
  close(): Promise<void>;
}

/** The web host as a process, and its page with the token already exchanged for the cookie. */
export async function startWeb(browser: Browser, home: string, env: HostEnv = {}): Promise<RunningApp> {
  let child = spawnWeb(home, '0', env);
  const url = await addressOf(child);
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(url);
  return {
    page,
    pid: child.pid!,
    restart: async (whileDown) => {
      await ended(child);
      await whileDown();
      child = spawnWeb(home, new URL(url).port, env);
      await addressOf(child);
    },
    kill: async () => {
      await ended(child, 'SIGKILL');
      child = spawnWeb(home, new URL(url).port, env);
      await addressOf(child);
    },
    close: async () => {
      await context.close();
      await ended(child);
    },
  };
}

/** The web host alone, for a browser that a test starts itself. */
export async function startWebHost(home: string): Promise<{ url: string; close(): Promise<void> }> {
  const child = spawnWeb(home, '0');
  return { url: await addressOf(child), close: () => ended(child) };
}

function spawnWeb(home: string, port: string, env: HostEnv = {}): ChildProcess {
  return spawn(process.execPath, [hostEntry('serve'), '--port', port], {
    cwd: REPO,
    env: { ...process.env, ...env, GRAFT_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function startElectron(home: string, env: HostEnv = {}): Promise<RunningApp> {
  const app = await _electron.launch({
    executablePath: electronBinary()!,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      `--user-data-dir=${path.join(home, 'chromium')}`,
      REPO,
    ],
    env: { ...process.env, ...env, GRAFT_HOME: home },
  });
  const page = await app.firstWindow();
  return { page, pid: app.process().pid!, close: () => app.close() };
}

/** The address that serve.ts prints once it listens. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const limit = setTimeout(() => reject(new Error(`serve.ts gave no address: ${said}`)), START_LIMIT_MS);
    const read = (chunk: Buffer) => {
      said += chunk.toString();
      const url = /http:\/\/127\.0\.0\.1:\d+\/\S*/.exec(said)?.[0];
      if (!url) return;
      clearTimeout(limit);
      resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => reject(new Error(`serve.ts ended with ${code}: ${said}`)));
  });
}

function ended(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}
