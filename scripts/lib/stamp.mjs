/**
 * What set-up has done, remembered in node_modules/.graft-setup.json: it goes away with
 * node_modules, so a fresh install is checked afresh.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { modules } from './paths.mjs';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * @typedef {object} Unavailable something that could not be had
 * @property {string} reason one sentence
 * @property {number} at when it was tried, in ms since 1970
 *
 * @typedef {object} Stamp
 * @property {string} [lockSha256] of the package-lock.json that node_modules was installed from
 * @property {{ source: string, binding: string, sizeBytes: number, mtimeMs: number } | Unavailable & { wish: string }}
 * [tensorflow]
 * @property {Unavailable} [electron]
 * @property {Unavailable} [headlessShell]
 */

/** @param {string} file */
export function sha256OfFile(file) {
  return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

/**
 * @param {string} [folder]
 * @returns {Stamp} empty when there is none or it cannot be read
 */
export function readStamp(folder = modules) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, '.graft-setup.json'), 'utf8'));
  } catch {
    return {};
  }
}

/**
 * Merges `change` into the stamp, in one step on disk.
 * @param {Partial<Stamp>} change
 * @param {string} [folder]
 */
export function updateStamp(change, folder = modules) {
  const file = path.join(folder, '.graft-setup.json');
  const temporary = `${file}.${process.pid}.partial`;
  fs.writeFileSync(temporary, `${JSON.stringify({ ...readStamp(folder), ...change }, null, 2)}\n`);
  fs.renameSync(temporary, file);
}

/**
 * A failed try is not repeated for a day.
 * @param {Unavailable | undefined} record
 * @param {number} [nowMs]
 */
export function triedRecently(record, nowMs = Date.now()) {
  return record !== undefined && nowMs - record.at >= 0 && nowMs - record.at < DAY_MS;
}
