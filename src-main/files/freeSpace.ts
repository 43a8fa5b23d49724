/** Free disk space, and the one sentence when it does not suffice. */
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';

/** Bytes that this user may still write where `target` lies or would lie; null where the system does not say. */
export function freeBytesAt(target: string): number | null {
  try {
    const { bavail, bsize } = fs.statfsSync(nearestExisting(path.resolve(target)));
    return bavail * bsize;
  } catch {
    return null;
  }
}

function nearestExisting(folder: string): string {
  return fs.existsSync(folder) || path.dirname(folder) === folder ? folder : nearestExisting(path.dirname(folder));
}

/** DISK_FULL with details `{ path, neededBytes, freeBytes }`. */
export function diskFullError(target: string, neededBytes: number, freeBytes: number): GraftError {
  const missing = neededBytes - freeBytes;
  const why =
    missing > 0
      ? `The disk has too little room for ${target}: ${sizeText(neededBytes)} are needed and ` +
        `${sizeText(freeBytes)} are free, so ${sizeText(missing)} are missing`
      : `The disk does not take ${target} (${sizeText(neededBytes)}) although ${sizeText(freeBytes)} are free; a ` +
        'quota or a limit on the size of files forbids it';
  return new GraftError('DISK_FULL', `${why}; free some space or choose another folder.`, {
    path: target,
    neededBytes,
    freeBytes,
  });
}

/** 1536 -> "1.5 KiB". */
export function sizeText(sizeBytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, sizeBytes)) / 10)));
  const value = sizeBytes / 1024 ** step;
  return `${step === 0 ? value : value.toFixed(1)} ${units[step]}`;
}
