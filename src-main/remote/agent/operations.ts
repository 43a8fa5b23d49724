/**
 * What a machine is asked to do with its files and programs. The same functions work on this machine and, sent there
 * over ssh, on another one, so nothing in this folder imports anything of Graft outside it, and all works on Node 20.
 */
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { MOST_READ_BYTES, nearestExisting, readOwn, writeOwn } from './ownFiles.ts';
import { isOurs, linkRefused, lstat, makeSafeFolder, otherOwner, ownUid, Refusal, resolvePath } from './paths.ts';
import { isAlive, runProgram, signalProcess, startProgram, type RunArgs } from './programs.ts';
import { transfers } from './transfers.ts';

export interface Hello {
  node: string;
  home: string;
  uid: number;
  platform: string;
}

/** All that can be asked. Paths may begin with `~/`. `env`: of the programs that are started. */
export function operations(env: NodeJS.ProcessEnv, children = new Set<ChildProcess>()) {
  return {
    hello: async (): Promise<Hello> => ({
      node: process.versions.node,
      home: os.homedir(),
      uid: ownUid(),
      platform: process.platform,
    }),
    run: (args: RunArgs) => runProgram(args, env, children),
    start: ({ argv, cwd, logFile }: { argv: readonly string[]; cwd: string; logFile: string }) =>
      startProgram(argv, resolvePath(cwd), resolvePath(logFile), env),
    isAlive: async ({ pid }: { pid: number }) => isAlive(pid),
    signal: async ({ pid, signal }: { pid: number; signal: 'SIGTERM' | 'SIGKILL' }) => signalProcess(pid, signal),
    read: async ({ file, from = 0, most = MOST_READ_BYTES }: { file: string; from?: number; most?: number }) =>
      readOwn(resolvePath(file), from, most),
    write: async ({ file, text }: { file: string; text: string }) => writeOwn(resolvePath(file), text),
    makeFolder: async ({ dir }: { dir: string }) => makeSafeFolder(resolvePath(dir)),
    exists: async ({ path: target }: { path: string }) => lstat(resolvePath(target)) !== undefined,
    remove: async ({ dir }: { dir: string }) => {
      const target = resolvePath(dir);
      const stat = lstat(target);
      if (!stat) return;
      if (!isOurs(stat)) throw otherOwner(target, stat.uid);
      if (target === path.parse(target).root || target === os.homedir())
        throw new Refusal('BAD_INPUT', `${target} is not removed; name a folder below it.`);
      const parent = path.dirname(target);
      if (lstat(parent)?.isSymbolicLink()) throw linkRefused(parent);
      await fs.promises.rm(target, { recursive: true, force: true });
    },
    freeBytes: async ({ dir }: { dir: string }) => {
      const { bavail, bsize } = fs.statfsSync(nearestExisting(resolvePath(dir)));
      return bavail * bsize;
    },
    ...transfers(),
  };
}

export type Operations = ReturnType<typeof operations>;
