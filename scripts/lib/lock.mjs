/**
 * One set-up at a time per checkout. The lock is a file with the holder's process id that the holder
 * touches every two seconds; it is stale when that process is gone or it has not been touched
 * for half a minute, so a killed set-up never blocks the next.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratch } from './paths.mjs';
import { say } from './say.mjs';

const TOUCH_MS = 2000;
const STALE_MS = 30_000;

/**
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} [file]
 * @returns {Promise<T>}
 */
export async function withLock(work, file = path.join(scratch, 'setup.lock')) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  let told = false;
  while (!take(file)) {
    if (isStale(file)) {
      moveAway(file);
      continue;
    }
    if (!told) say('another set-up of this checkout is running; waiting for it');
    told = true;
    await sleep(500);
  }
  const timer = setInterval(() => fs.utimes(file, new Date(), new Date(), () => {}), TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    fs.rmSync(file, { force: true });
  }
}

/** @param {string} file */
function take(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} file */
export function isStale(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat) return false;
  if (Date.now() - stat.mtimeMs > STALE_MS) return true;
  const pid = Number(fs.readFileSync(file, 'utf8'));
  // Empty: its holder is between creating and writing it.
  return pid > 0 && !isAlive(pid);
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** By rename, so that of several waiters one removes the stale file. @param {string} file */
function moveAway(file) {
  const aside = `${file}.${process.pid}`;
  try {
    fs.renameSync(file, aside);
    fs.rmSync(aside, { force: true });
  } catch {
    // Another waiter was faster.
  }
}
