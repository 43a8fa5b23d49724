import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from './errorCodes.ts';
import { GraftError, toErrorData, usageError } from './errors.ts';

it('each code is listed once', () => expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length));

it('a code that is in no list does not compile', () => {
  // @ts-expect-error: not a code
  expect(new GraftError('TYPO', 'No such code.')).toBeInstanceOf(Error);
  // @ts-expect-error: not a code
  expect(usageError('TYPO', 'No such code.').kind).toBe('usage');
});

it('no code is left over', () => {
  const files = fs.globSync('{src-main,src-renderer,src-shared,bench,scripts}/**/*.{ts,svelte}');
  const texts = files.filter((file) => !/errorCodes/i.test(file)).map((file) => fs.readFileSync(file, 'utf8'));
  const names = new Set(texts.flatMap((text) => text.match(/(?<=')[A-Z]+(_[A-Z0-9]+)*(?=')/g) ?? []));
  expect(ERROR_CODES.filter((code) => !names.has(code))).toEqual([]);
});

it('an error of another version keeps its code on the way through', () => {
  const data = JSON.parse('{"code":"OF_A_LATER_VERSION","message":"Something new."}') as ReturnType<
    GraftError['toData']
  >;
  expect(GraftError.fromData(data).toData()).toEqual({
    code: 'OF_A_LATER_VERSION',
    message: 'Something new.',
    details: {},
    kind: 'failure',
  });
});

describe('what others throw becomes a sentence of our own', () => {
  /** As Node and better-sqlite3 throw it. */
  const thrown = (code: string, message: string, path?: string): Error =>
    Object.assign(new Error(message), { code, ...(path === undefined ? {} : { path }) });
  const ofSystem = (code: string, words: string): Error => thrown(code, `${code}: ${words}, open '/d/f'`, '/d/f');

  it.each([
    [ofSystem('ENOSPC', 'no space left on device'), 'DISK_FULL', /full while writing \/d\/f; free some space/],
    [ofSystem('EDQUOT', 'disk quota exceeded'), 'DISK_FULL', /full while writing \/d\/f; free some space/],
    [ofSystem('EFBIG', 'file too large'), 'DISK_FULL', /full while writing \/d\/f; free some space/],
    [thrown('ENOSPC', 'ENOSPC: no space left on device, write'), 'DISK_FULL', /full while writing the target; free/],
    [ofSystem('EACCES', 'permission denied'), 'NOT_ALLOWED', /^\/d\/f cannot .* your rights; choose another folder/],
    [ofSystem('EPERM', 'operation not permitted'), 'NOT_ALLOWED', /^\/d\/f cannot .* your rights; choose another/],
    [ofSystem('EROFS', 'read-only file system'), 'NOT_ALLOWED', /^\/d\/f cannot .* your rights; choose another/],
    [ofSystem('EMFILE', 'too many open files'), 'TOO_MANY_FILES', /too many files are open.*; close other programs/],
    [ofSystem('ENFILE', 'file table overflow'), 'TOO_MANY_FILES', /too many files are open.*; close other programs/],
    [ofSystem('EISDIR', 'illegal operation on a directory'), 'BAD_INPUT', /is a folder, not a file; name the file/],
    [ofSystem('ENAMETOOLONG', 'name too long'), 'NOT_FOUND', /is no path that this system takes.*; check it/],
    [ofSystem('ELOOP', 'too many symbolic links encountered'), 'NOT_FOUND', /is no path that this system takes/],
    [ofSystem('EINVAL', 'invalid argument'), 'NOT_FOUND', /is no path that this system takes/],
    [ofSystem('EIO', 'i/o error'), 'IO_ERROR', /cannot be read or written now \(EIO\); check its disk/],
    [ofSystem('EBUSY', 'resource busy or locked'), 'IO_ERROR', /no other program holds it, then try again/],
    [ofSystem('ENOENT', 'no such file or directory'), 'NOT_FOUND', /^\/d\/f does not exist; check the path\.$/],
    [ofSystem('ENOTDIR', 'not a directory'), 'NOT_A_FOLDER', /something that is not a folder; check the path/],
    [thrown('SQLITE_BUSY', 'database is locked'), 'CATALOG_AWAY', /a second Graft or a backup.*Nothing is lost\.$/],
    [thrown('SQLITE_BUSY_SNAPSHOT', 'database is locked'), 'CATALOG_AWAY', /close that program or wait/],
    [thrown('SQLITE_LOCKED', 'database table is locked'), 'CATALOG_AWAY', /close that program or wait/],
    [thrown('SQLITE_FULL', 'database or disk is full'), 'DISK_FULL', /its disk is full or failing; free some space/],
    [thrown('SQLITE_IOERR_WRITE', 'disk I/O error'), 'DISK_FULL', /its disk is full or failing; free some space/],
    [
      thrown('SQLITE_CORRUPT', 'database disk image is malformed'),
      'CATALOG_BROKEN',
      /is damaged; close Graft, restore/,
    ],
    [thrown('SQLITE_NOTADB', 'file is not a database'), 'CATALOG_BROKEN', /Runs and adapters stay in their folders\.$/],
    [thrown('SQLITE_READONLY', 'attempt to write a readonly database'), 'NOT_ALLOWED', /check the permissions/],
    [thrown('SQLITE_CANTOPEN', 'unable to open database file'), 'NOT_ALLOWED', /and the number of open files\.$/],
    [thrown('SQLITE_CONSTRAINT_UNIQUE', 'UNIQUE constraint failed: tasks.name'), 'INTERNAL', /a fault of its own/],
    [thrown('SQLITE_ERROR', 'no such column: x'), 'INTERNAL', /a fault of its own.*report this sentence/],
    [new RangeError('Invalid string length'), 'TEXT_TOO_LONG', /longer than the 512 MiB.*; split the file\.$/],
    [
      thrown('ERR_STRING_TOO_LONG', 'Cannot create a string longer than 0x1fffffe8 characters'),
      'TEXT_TOO_LONG',
      /longer than the 512 MiB.*; split the file\.$/,
    ],
    [new RangeError('Array buffer allocation failed'), 'OUT_OF_MEMORY', /more memory.*; close other programs/],
    [new RangeError('Invalid typed array length: 8589934592'), 'OUT_OF_MEMORY', /more memory.*; close other programs/],
  ])('%s', (error, code, sentence) => {
    const data = toErrorData(error);
    expect(data.code).toBe(code);
    expect(data.message).toMatch(sentence);
    expect(data.message).toMatch(/\.$/);
    expect(data.message).not.toContain(error.message);
    expect(data.message).not.toContain(error.message.replace(/^E\w+: |, \w+( '.*')?$/g, ''));
  });

  const fault = (work: () => unknown): Error => {
    try {
      work();
    } catch (error) {
      return error as Error;
    }
    throw new Error('Nothing was thrown.');
  };
  const deep = (): unknown => [deep()];

  it.each([
    fault(() => (undefined as unknown as string).split(',')),
    fault(() => (null as unknown as { name: string }).name),
    fault(() => (Reflect.get({}, 'missing') as () => void)()),
    fault(deep),
    fault(() => (1).toFixed(101)),
  ])("a fault of Graft's own: %s", (error) => {
    const { code, message, details } = toErrorData(error);
    expect(code).toBe('INTERNAL');
    expect(message).not.toContain(error.message);
    expect(message).toMatch(/^Graft met a fault of its own \(errors\.test\.ts, line \d+\); try again, and report this/);
    expect(details).toMatchObject({ cause: error.message });
  });

  it('is no place in a library', () => {
    const error = new TypeError('x is not iterable');
    error.stack = `${String(error)}\n    at read (/g/node_modules/a/b.js:3:5)\n    at new Rows (/g/src/rows.ts:41:9)`;
    expect(toErrorData(error).message).toMatch(/^Graft met a fault of its own \(rows\.ts, line 41\);/);
    error.stack = 'TypeError: x is not iterable';
    expect(toErrorData(error).message).toMatch(/^Graft met a fault of its own; try again/);
  });
});
