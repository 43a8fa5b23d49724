/** An agent's side of copying folders: files come and go under the names of their hashes. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { checkOwnFile, filesBelow, hashOf, openOwn, TRANSFER_FOLDER, type FoundFile } from './ownFiles.ts';
import { isOurs, isSafeBelow, isSafeFolder, lstat, makeSafeFolder, pathBelow, Refusal, resolvePath } from './paths.ts';

export interface HashedPath {
  path: string;
  sha256: string;
}

export function transfers() {
  const incoming = (dir: string) => path.join(resolvePath(dir), TRANSFER_FOLDER, 'in');
  return {
    /** Regular files below a folder, or below these of its files and folders. */
    list: async ({ dir, only }: { dir: string; only?: readonly string[] | undefined }): Promise<FoundFile[]> => {
      const root = resolvePath(dir);
      if (!isSafeFolder(root)) throw new Refusal('NOT_FOUND', `${root} does not exist; check the path.`);
      for (const below of only ?? []) pathBelow(root, below);
      return (only ?? ['']).flatMap((below) =>
        below === '' || isSafeBelow(root, below) ? filesBelow(root, below) : [],
      );
    },
    /** Sha-256 (hex) of files below a folder; null where there is none. */
    hash: async ({ dir, paths }: { dir: string; paths: readonly string[] }): Promise<(string | null)[]> => {
      const root = resolvePath(dir);
      const hashes: (string | null)[] = [];
      for (const below of paths) {
        const file = pathBelow(root, below);
        hashes.push(isSafeFolder(root) && isSafeBelow(root, below) ? await hashOf(file) : null);
      }
      return hashes;
    },
    /** Makes the place where files arrive under the names of their hashes. */
    receive: async ({ dir }: { dir: string }): Promise<string> => {
      const folder = incoming(dir);
      makeSafeFolder(folder);
      for (const name of fs.readdirSync(folder)) {
        const target = path.join(folder, name);
        if (!lstat(target)?.isFile()) fs.rmSync(target, { recursive: true, force: true });
      }
      return folder;
    },
    /** How much of each has arrived, by hash. */
    arrived: async ({ dir }: { dir: string }): Promise<Record<string, number>> => {
      if (!isSafeFolder(incoming(dir))) return {};
      const sizes = fs
        .readdirSync(incoming(dir))
        .map((name) => [name, lstat(path.join(incoming(dir), name))?.size ?? 0]);
      return Object.fromEntries(sizes) as Record<string, number>;
    },
    /** Gives the files that have arrived their names, if their bytes are what their hashes say; which are not. */
    place: async ({ dir, files }: { dir: string; files: readonly HashedPath[] }): Promise<string[]> => {
      const root = resolvePath(dir);
      const wrong: string[] = [];
      for (const hash of new Set(files.map(({ sha256 }) => sha256))) {
        const arrivedAs = path.join(incoming(dir), checkedHash(hash));
        const places = files.filter(({ sha256 }) => sha256 === hash).map((file) => file.path);
        if ((await hashOf(arrivedAs)) !== hash) {
          fs.rmSync(arrivedAs, { force: true });
          wrong.push(...places);
          continue;
        }
        fs.chmodSync(arrivedAs, 0o600);
        for (const [i, below] of places.entries()) {
          const file = pathBelow(root, below);
          makeSafeFolder(path.dirname(file));
          isSafeBelow(root, below);
          const there = lstat(file);
          if (there) checkOwnFile(file, there);
          const last = i === places.length - 1;
          const from = last ? arrivedAs : `${arrivedAs}.copy`;
          if (!last) fs.copyFileSync(arrivedAs, from);
          const fd = fs.openSync(from, 'r+');
          fs.fsyncSync(fd);
          fs.closeSync(fd);
          fs.renameSync(from, file);
        }
      }
      if (wrong.length === 0) fs.rmSync(path.dirname(incoming(dir)), { recursive: true, force: true });
      return wrong;
    },
    /** Puts files under the names of their hashes into a folder of their own, to be fetched from there; its path. */
    offer: async ({ dir, files }: { dir: string; files: readonly HashedPath[] }): Promise<string> => {
      const root = resolvePath(dir);
      const folder = path.join(root, TRANSFER_FOLDER, `out-${crypto.randomBytes(6).toString('hex')}`);
      makeSafeFolder(folder);
      for (const { path: below, sha256 } of files) {
        const file = pathBelow(root, below);
        const offered = path.join(folder, checkedHash(sha256));
        if (!isSafeBelow(root, below) || lstat(offered)) continue;
        try {
          fs.linkSync(file, offered);
        } catch {
          // A file system without second names; the copy must not follow a link either.
          const open = openOwn(file);
          if (open) await fs.promises.writeFile(offered, fs.createReadStream('', { fd: open.fd }));
        }
        const stat = lstat(offered);
        if (stat && !(stat.isFile() && isOurs(stat))) fs.unlinkSync(offered);
      }
      return folder;
    },
    /** Removes what `offer` made. */
    withdraw: async ({ folder }: { folder: string }) => {
      const target = resolvePath(folder);
      if (path.basename(path.dirname(target)) !== TRANSFER_FOLDER || !path.basename(target).startsWith('out-'))
        throw new Refusal('BAD_INPUT', `${target} is no folder of a transfer.`);
      if (!isSafeFolder(target)) return;
      fs.rmSync(target, { recursive: true, force: true });
      const parent = path.dirname(target);
      if (fs.readdirSync(parent).length === 0) fs.rmdirSync(parent);
    },
  };
}

function checkedHash(hash: string): string {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new Refusal('BAD_INPUT', `${JSON.stringify(hash)} is no SHA-256.`);
  return hash;
}
