/** The folder of a job with all that it reads, and the program that trains it as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { assembleJob, copyInput } from '../../src-main/jobs/assemble.ts';
import { readEvents } from '../../src-main/jobs/events.ts';
import { inputsOf } from '../../src-main/jobs/inputs.ts';
import { JOB } from '../../src-main/jobs/layout.ts';
import { readState } from '../../src-main/jobs/state.ts';
import type { JobEvent, JobState } from '../../src-shared/jobs.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import { temporaryFolder } from '../fixtures/folders.ts';

const ENTRY = path.resolve(import.meta.dirname, '../../src-main/jobs/main.ts');

export async function tinyJob(spec: RunSpec, dir = path.join(temporaryFolder(), 'job')): Promise<string> {
  fs.mkdirSync(dir);
  const inputs = inputsOf(spec);
  await copyInput(inputs.base, path.join(dir, 'base'));
  await copyInput(inputs.data, path.join(dir, 'data'));
  await assembleJob({ spec, name: 'a job', inputs }, { base: ['base'], data: 'data' }, dir);
  return dir;
}

export interface JobProcess {
  child: ChildProcess;
  /** Exit code (or signal), once it has ended. */
  ended: Promise<number | string | null>;
  /** What it has printed to stderr so far. */
  said: () => string;
}

export function startJob(folder: string, env: NodeJS.ProcessEnv = {}): JobProcess {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ENTRY, 'worker', folder], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stderr.on('data', (chunk) => (text += String(chunk)));
  const ended = new Promise<number | string | null>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal)),
  );
  return { child, ended, said: () => text };
}

export function eventsOf(jobDir: string): JobEvent[] {
  return readEvents(fs.readFileSync(path.join(jobDir, JOB.events))).events;
}

/** Losses by step, in the order in which they were told. */
export function lossesOf(jobDir: string): [number, number][] {
  return eventsOf(jobDir).flatMap((event) => (event.type === 'step' ? [[event.step, event.loss]] : []));
}

/** Waits until the job has taken that step; throws where it ends before. */
export async function untilStep(jobDir: string, step: number): Promise<void> {
  await until(() => fs.existsSync(path.join(jobDir, JOB.events)) && lossesOf(jobDir).some(([at]) => at >= step));
}

export async function until(isSo: () => boolean, mostMs = 60_000): Promise<void> {
  const end = Date.now() + mostMs;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`waited ${mostMs} ms in vain for ${isSo.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function stateOf(jobDir: string): JobState {
  const state = readState(jobDir);
  if (!state) throw new Error(`${jobDir} has no state`);
  return state;
}

/** A folder as of a built Graft, whose program of a job is this one's source. */
export function graftFolder(): string {
  const dir = temporaryFolder();
  fs.mkdirSync(path.join(dir, 'out/main'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'package.json'), '{ "type": "module" }');
  fs.writeFileSync(path.join(dir, 'out/main/job.js'), `await import(${JSON.stringify(ENTRY)});\n`);
  return dir;
}
