/** A host with a fresh data folder and a page on it, for one measurement. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium, type Browser, type Page } from '@playwright/test';
import { systemChromium } from '../../scripts/lib/testNeeds.mjs';
import { SESSION_HEADER, SESSION_NAME } from '../../src-shared/session.ts';

export interface Session {
  page: Page;
  browser: Browser;
  /** Address with the token. */
  url: string;
  home: string;
  hostPid: number;
  /** From the start of the process to the address it prints. */
  hostStartMs: number;
  close(): Promise<void>;
}

const WINDOW = { width: 1280, height: 860 };

export async function openSession(stepsPerSecond: number): Promise<Session> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-ui-bench-'));
  const began = performance.now();
  const host = spawn(process.execPath, [path.join(import.meta.dirname, 'host.ts')], {
    env: { ...process.env, GRAFT_HOME: home, GRAFT_BENCH_RATE: String(stepsPerSecond) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await firstLine(host);
  const hostStartMs = performance.now() - began;
  const browser = await chromium.launch({
    executablePath: systemChromium(),
    args: [
      '--disable-gpu',
      '--no-first-run',
      '--enable-precise-memory-info',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
  const page = await (await browser.newContext({ viewport: WINDOW })).newPage();
  return {
    page,
    browser,
    url,
    home,
    hostPid: host.pid!,
    hostStartMs,
    close: async () => {
      await browser.close();
      host.kill('SIGTERM');
      await new Promise((resolve) => host.once('exit', resolve));
      fs.rmSync(home, { recursive: true, force: true });
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('exit', (code) => reject(new Error(`The host ended with ${code}.`)));
  });
}

/** Calls the API from inside the page, with its rights. */
export function callApi<T>(page: Page, type: 'query' | 'mutation', procedure: string, input: unknown): Promise<T> {
  return page.evaluate(
    async ([type, path, json, header, stored]) => {
      const headers = { [header]: localStorage.getItem(stored) ?? '', 'content-type': 'application/json' };
      const answer = await (type === 'query'
        ? fetch(`/api/trpc/${path}?input=${encodeURIComponent(json)}`, { headers })
        : fetch(`/api/trpc/${path}`, { method: 'POST', body: json, headers }));
      const body = (await answer.json()) as { result: { data: T } };
      if (!answer.ok) throw new Error(JSON.stringify(body));
      return body.result.data;
    },
    [type, procedure, JSON.stringify(input), SESSION_HEADER, SESSION_NAME] as const,
  );
}

/** Resident memory of a process; null where the system does not tell. */
export function residentBytes(pid: number): number | null {
  const file = `/proc/${pid}/status`;
  const kib = fs.existsSync(file) ? /^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(file, 'utf8'))?.[1] : undefined;
  return kib === undefined ? null : Number(kib) * 1024;
}

/** Living JavaScript objects of the page, after a collection. */
export async function heapBytes(page: Page): Promise<number> {
  const client = await page.context().newCDPSession(page);
  await client.send('HeapProfiler.collectGarbage');
  const { usedSize } = await client.send('Runtime.getHeapUsage');
  await client.detach();
  return usedSize;
}
