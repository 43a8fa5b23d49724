/**
 * Graft on the machine that trains: brought there once into `WORK/graft/ID`, where ID names its content, and used by
 * every run after that. On this machine, and where Graft is set up already, nothing is copied.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { diskFullError } from '../files/freeSpace.ts';
import { GRAFT_ROOT } from '../files/repository.ts';
import type { Machine, TransferOptions } from './machine.ts';
import { isSameSystem, MIN_JOB_NODE, NODE_HERE, nodeAt, type NodeThere } from './nodeThere.ts';
import { runtimeFiles, type RuntimeFile } from './runtimeFiles.ts';

export interface Runtime {
  /** Absolute, or a name on the path of this machine. */
  node: string;
  /** The program of a job, on that machine. */
  entry: string;
}

export interface RuntimeTarget {
  workDir: string;
  node?: string | undefined;
  graft?: string | undefined;
}

const ENTRY = 'out/main/job.js';
const WAYS_TO_NODE = 'https://nodejs.org, or conda install nodejs';
/** Written last. */
const INSTALLED = 'installed';

/** As bundle or as source, like this file. */
const ENTRY_HERE = path.resolve(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? '../jobs/main.ts' : 'job.js',
);

/** `root`: the Graft that is copied; absent: this one. Throws TARGET_NOT_READY, DISK_FULL, or what the machine does. */
export async function installRuntime(
  machine: Machine,
  target: RuntimeTarget,
  { root = GRAFT_ROOT, ...options }: TransferOptions & { root?: string } = {},
): Promise<Runtime> {
  if (target.graft !== undefined) return setUpThere(machine, target.graft, target.node);
  // A packed app is no folder that another Node could read.
  if (machine.isLocal && !isPacked(ENTRY_HERE)) return { node: target.node ?? NODE_HERE, entry: ENTRY_HERE };
  const own = await nodeAt(machine, target.node ?? 'node');
  refuseOtherSystem(machine, own);
  const files = filesOf(root);
  const there = path.posix.join(await absolutePath(machine, target.workDir), 'graft', contentId(files));
  if (!(await machine.exists(path.posix.join(there, INSTALLED)))) await bring(machine, files, there, options);
  const node = await jobNode(machine, own, path.posix.join(there, 'bin/node'));
  return { node, entry: path.posix.join(there, ENTRY) };
}

/** A path of that machine with its home folder in the place of `~`. */
export async function absolutePath(machine: Machine, given: string): Promise<string> {
  if (given !== '~' && !given.startsWith('~/')) return given;
  const { stdout } = await machine.run(['pwd'], { cwd: '~' });
  return path.posix.join(stdout.trimEnd(), given.slice(1));
}

async function setUpThere(machine: Machine, graft: string, node: string | undefined): Promise<Runtime> {
  const entry = path.posix.join(await absolutePath(machine, graft), ENTRY);
  if (!(await machine.exists(entry)))
    throw notReady(
      machine,
      `${machine.name} has no ${entry}; set Graft up there (npm run setup, npm run build), or take the folder out of ` +
        'the target, so that Graft copies itself.',
    );
  const found = await nodeAt(machine, node ?? 'node');
  if (isEnough(found)) return { node: found.path, entry };
  throw nodeTooOld(machine, found);
}

/** What is copied of the Graft in this folder. Throws TARGET_NOT_READY where it has not been built. */
export function filesOf(root: string): RuntimeFile[] {
  const entry = path.join(root, ENTRY);
  if (fs.existsSync(entry)) return runtimeFiles(root);
  const sentence = `There is no built Graft here to copy to another machine (${entry}); type npm run build.`;
  throw new GraftError('TARGET_NOT_READY', sentence, { entry });
}

/** Of names, sizes and, where it changes from day to day, bytes; and of what it was made for. */
function contentId(files: readonly RuntimeFile[]): string {
  const hash = crypto.createHash('sha256').update(`${process.platform} ${process.arch} ${process.version}\n`);
  for (const { place, source } of files) {
    hash.update(`${place} ${fs.statSync(source).size}\n`);
    if (!place.startsWith('node_modules/') && place !== 'bin/node') hash.update(fs.readFileSync(source));
  }
  return hash.digest('hex').slice(0, 16);
}

async function bring(machine: Machine, files: RuntimeFile[], there: string, options: TransferOptions): Promise<void> {
  const needed = files.reduce((sum, { source }) => sum + fs.statSync(source).size, 0);
  const free = await machine.freeBytes(there);
  if (free < needed) throw diskFullError(`${there} on ${machine.name}`, needed, free);
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-runtime-'));
  try {
    for (const { place, source } of files) {
      const target = path.join(stage, place);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      // What lies in a packed app can be read by this process alone.
      if (isPacked(source)) fs.copyFileSync(source, target);
      else fs.symlinkSync(source, target);
    }
    await machine.send(stage, there, options);
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
  }
  const node = path.posix.join(there, 'bin/node');
  if (files.some(({ place }) => place === 'bin/node')) await machine.run(['chmod', '700', node]);
  await machine.write(path.posix.join(there, INSTALLED), `${files.length} files\n`);
}

function isPacked(file: string): boolean {
  return file.includes(`.asar${path.sep}`);
}

/** The Node there, where it is new enough, else the one that was brought. */
async function jobNode(machine: Machine, own: NodeThere, brought: string): Promise<string> {
  if (isEnough(own)) return own.path;
  if ((await machine.run([brought, '--version'], { timeoutMs: 30_000 })).code === 0) return brought;
  throw nodeTooOld(machine, own);
}

function isEnough({ major }: NodeThere): boolean {
  return major >= MIN_JOB_NODE;
}

function nodeTooOld(machine: Machine, { path: node, version }: NodeThere): GraftError {
  const wanted = `runs need ${MIN_JOB_NODE} or newer, and the Node of this machine does not run there`;
  const mend = `install one (${WAYS_TO_NODE}) and name its path in the target`;
  return notReady(machine, `${machine.name} has Node ${version} (${node}), but ${wanted}; ${mend}.`);
}

function refuseOtherSystem(machine: Machine, there: NodeThere): void {
  if (isSameSystem(there)) return;
  const { platform, arch } = there;
  throw notReady(
    machine,
    `${machine.name} is ${platform} on ${arch} and this machine ${process.platform} on ${process.arch}, whose ` +
      'libraries do not run there; set Graft up there (npm run setup, npm run build) and name its folder as graft.',
  );
}

function notReady({ name }: Machine, sentence: string): GraftError {
  return new GraftError('TARGET_NOT_READY', sentence, { machine: name });
}
