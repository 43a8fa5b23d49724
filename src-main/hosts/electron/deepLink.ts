/**
 * What Graft is asked to open from outside: `graft://` links and data files, as the hash of a page. Everything else is
 * ignored.
 */
import fs from 'node:fs';
import path from 'node:path';
import { DATASET_EXTENSIONS } from '../../../src-shared/datasetExtensions.ts';
import { hashFor, PAGES } from '../../../src-shared/routes.ts';

export const PROTOCOL = 'graft';

const LINK = /^graft:\/\/([a-z-]{1,20})(?:\/([A-Za-z0-9_-]{1,64}))?\/?$/;

/** `graft://runs/ID` as `#/runs/ID`; undefined for an unknown page or anything more than a page and an id. */
export function hashOfLink(link: string): string | undefined {
  const [, name, id] = LINK.exec(link) ?? [];
  const page = PAGES.find((candidate) => candidate === name);
  return page && hashFor(page, id);
}

/** The page that adds this file as a dataset; undefined when it is no data file that exists. */
export function hashOfFile(file: string): string | undefined {
  if (!path.isAbsolute(file) || !DATASET_EXTENSIONS.includes(path.extname(file).slice(1).toLowerCase()))
    return undefined;
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ? hashFor('datasets', undefined, { file }) : undefined;
}

/** The last thing that a command line names; `cwd` is where relative paths begin. */
export function hashOfArguments(args: readonly string[], cwd: string): string | undefined {
  for (const arg of args.toReversed()) {
    if (arg.startsWith('-')) continue;
    const hash = arg.startsWith(`${PROTOCOL}:`) ? hashOfLink(arg) : hashOfFile(path.resolve(cwd, arg));
    if (hash) return hash;
  }
  return undefined;
}
