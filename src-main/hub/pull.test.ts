/** Pulls from a server that behaves, and misbehaves, as the hub may. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { scanCacheDir } from '@huggingface/hub';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectSameFiles } from '../../test-support/checks/sameFiles.ts';
import { FakeHub } from '../../test-support/fakes/hub.ts';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { MODEL } from '../../test-support/rigs/services.ts';
import { CachedRepository } from './cache.ts';
import { planPull, runPull, type PullOptions } from './pull.ts';
import { readSource } from './source.ts';

const PATIENCE = { answerMs: 2000, pieceMs: 2000, tries: 3, backoffMs: 1 };
const WEIGHTS = 'model.safetensors';
const SOURCE = 'hf:owner/starter';
let hub: FakeHub;
let commit: string;
let cacheDir: string;

beforeAll(async () => {
  hub = await FakeHub.start();
  commit = hub.add('owner/starter', MODEL, { licence: 'mit' });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.faults = {};
  hub.hasAccess = true;
  hub.requests.length = 0;
  cacheDir = temporaryFolder();
});

function options(more: Partial<PullOptions> = {}): PullOptions {
  return { endpoint: hub.endpoint, token: undefined, cacheDir, patience: PATIENCE, ...more };
}

async function pull(text = SOURCE, more: Partial<PullOptions> = {}, onProgress: (done: number) => void = () => {}) {
  const work = await planPull(readSource(text), options(more));
  await runPull(work, options(more), { onProgress });
  return work.plan;
}

/** Everything below the cache, as kind and name. */
function cached(): string[] {
  return (fs.readdirSync(cacheDir, { recursive: true }) as string[])
    .filter((name) => !fs.lstatSync(path.join(cacheDir, name)).isDirectory())
    .sort();
}

function parts(): string[] {
  return cached().filter((name) => name.endsWith('.incomplete'));
}

describe('a model', () => {
  it('comes byte by byte, with its licence known before, in the layout of Hugging Face', async () => {
    const seen: number[] = [];
    const plan = await pull(SOURCE, {}, (done) => seen.push(done));
    expect(plan).toMatchObject({ commit, kind: 'model', licence: 'mit', gated: false, offline: false });
    expect(plan.missingBytes).toBe(plan.totalBytes);
    expect(seen.at(-1)).toBe(plan.totalBytes);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expectSameFiles(plan.dir, MODEL);
    for (const name of fs.readdirSync(plan.dir)) {
      const link = fs.readlinkSync(path.join(plan.dir, name));
      expect(link).toMatch(/^\.\.\/\.\.\/blobs\/([0-9a-f]{40}|[0-9a-f]{64})$/);
    }
    const repository = path.join(cacheDir, 'models--owner--starter');
    expect(fs.readFileSync(path.join(repository, 'refs', 'main'), 'utf8')).toBe(commit);
    expect(fs.readdirSync(repository).sort()).toEqual(['blobs', 'refs', 'snapshots']);
  });

  it('is what git and sha256sum say, and what the library of Hugging Face finds in the cache', async () => {
    const { dir } = await pull();
    const small = fs.readlinkSync(path.join(dir, 'config.json'));
    expect(path.basename(small)).toBe(
      execFileSync('git', ['hash-object', path.join(MODEL, 'config.json')])
        .toString()
        .trim(),
    );
    const large = fs.readlinkSync(path.join(dir, WEIGHTS));
    expect(path.basename(large)).toBe(
      createHash('sha256')
        .update(fs.readFileSync(path.join(MODEL, WEIGHTS)))
        .digest('hex'),
    );
    const { repos, warnings } = await scanCacheDir(cacheDir);
    expect(warnings).toEqual([]);
    expect(repos[0]).toMatchObject({ id: { name: 'owner/starter', type: 'model' }, filesCount: 7 });
    expect(repos[0]!.revisions[0]).toMatchObject({ commitOid: commit, refs: ['main'] });
  });

  it('is taken from the cache: by commit without a request, by branch where the hub is out of reach', async () => {
    await pull();
    hub.requests.length = 0;
    expect(await pull(`${SOURCE}@${commit}`)).toMatchObject({ offline: true, missingBytes: 0 });
    expect(await pull(SOURCE, { offline: true })).toMatchObject({ offline: true, commit });
    expect(hub.requests).toEqual([]);
    expect(await pull(SOURCE, { endpoint: 'http://127.0.0.1:1' })).toMatchObject({ offline: true, commit });
    expect(await pull()).toMatchObject({ offline: false, missingBytes: 0 });
    expect(hub.requests.filter(({ url }) => url.includes('/resolve/'))).toEqual([]);
    await expect(pull('hf:owner/other', { offline: true })).rejects.toThrow(/is not in .* and the hub was not asked/);
  });

  it('is read over many pages of a listing, but never from another host', async () => {
    hub.faults = { pageSize: 2 };
    expect((await pull()).files).toHaveLength(7);
    hub.faults = { pageSize: 2, strangePages: true };
    await expect(pull()).rejects.toThrow(/to another host, localhost/);
    expect(hub.requests.filter(({ host, url }) => host === 'store' && url.includes('cursor'))).toEqual([]);
  });

  it('without links, the files themselves lie in the snapshot', () => {
    const repository = new CachedRepository(cacheDir, 'o/n');
    fs.mkdirSync(path.join(repository.dir, 'blobs'), { recursive: true });
    const link = () => {
      throw Object.assign(new Error('no right to make links'), { code: 'EPERM' });
    };
    for (const isNew of [true, false]) {
      fs.writeFileSync(repository.blob('1'), 'text');
      repository.place('1', 'c', `at/${isNew}`, { isNew, link });
      expect(fs.lstatSync(path.join(repository.snapshot('c'), 'at', String(isNew))).isFile()).toBe(true);
      expect(fs.existsSync(repository.blob('1'))).toBe(!isNew);
    }
  });
});

describe('going on', () => {
  it('after cut connections, from where they were cut', async () => {
    hub.faults = { cut: { [WEIGHTS]: 2 } };
    const { dir } = await pull();
    const ranges = hub.requests.filter(({ host, range }) => host === 'store' && range).map(({ range }) => range);
    expect(ranges).toHaveLength(2);
    expect(ranges[0]).toMatch(/^bytes=[1-9]\d*-$/);
    expect(fs.readFileSync(path.join(dir, WEIGHTS)).equals(fs.readFileSync(path.join(MODEL, WEIGHTS)))).toBe(true);
    expect(parts()).toEqual([]);
  });

  it('after a cancel, in another try', async () => {
    hub.faults = { slowMs: 5 };
    const abort = new AbortController();
    const stopped = pull(SOURCE, { signal: abort.signal }, (done) => done > 500_000 && abort.abort());
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    const [part] = parts();
    const sizeBytes = fs.statSync(path.join(cacheDir, part!)).size;
    expect(sizeBytes).toBeGreaterThan(100_000);
    hub.faults = {};
    hub.requests.length = 0;
    const plan = await pull();
    expect(plan.missingBytes).toBe(fs.statSync(path.join(MODEL, WEIGHTS)).size - sizeBytes);
    expect(hub.requests.find(({ host }) => host === 'store')?.range).toBe(`bytes=${sizeBytes}-`);
    expectSameFiles(plan.dir, MODEL);
  });

  it('begins anew where the server knows no ranges, or the part is longer than the file', async () => {
    hub.faults = { cut: { [WEIGHTS]: 1 }, noRanges: [WEIGHTS] };
    const { dir, files } = await pull();
    expect(files.every(({ here }) => !here)).toBe(true);
    expect(fs.statSync(path.join(dir, WEIGHTS)).size).toBe(fs.statSync(path.join(MODEL, WEIGHTS)).size);
    fs.rmSync(cacheDir, { recursive: true });
    const hash = createHash('sha256')
      .update(fs.readFileSync(path.join(MODEL, WEIGHTS)))
      .digest('hex');
    const part = new CachedRepository(cacheDir, 'owner/starter').part(hash);
    fs.mkdirSync(path.dirname(part), { recursive: true });
    fs.writeFileSync(part, Buffer.alloc(4_000_000));
    hub.faults = {};
    await pull();
    expect(parts()).toEqual([]);
  });

  it('after a few answers of 503, and not for ever', async () => {
    hub.faults = { ill: 2 };
    await pull();
    hub.faults = { ill: 99 };
    fs.rmSync(cacheDir, { recursive: true });
    await expect(pull()).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
  });

  it('gives up on a server that never answers, or sends nothing any more', async () => {
    const patience = { ...PATIENCE, answerMs: 100, pieceMs: 100, tries: 2 };
    hub.faults = { mute: true };
    await expect(pull(SOURCE, { patience })).rejects.toThrow(/could not be fetched .* does not answer/);
    hub.faults = { slowMs: 60_000 };
    await expect(pull(SOURCE, { patience })).rejects.toThrow(/could not be fetched .*nothing came any more/);
  });
});

describe('what is refused, with nothing left', () => {
  it('a file with another content', async () => {
    hub.faults = { wrongBytes: [WEIGHTS] };
    await expect(pull()).rejects.toMatchObject({
      code: 'HUB_CHECKSUM',
      message: expect.stringMatching(/^model.safetensors of owner\/starter came with another content/) as string,
    });
    expect(parts()).toEqual([]);
    expect(cached().some((name) => name.endsWith(WEIGHTS))).toBe(false);
    hub.faults = { wrongBytes: ['config.json'] };
    fs.rmSync(cacheDir, { recursive: true });
    await expect(pull()).rejects.toThrow(/config.json of owner\/starter came with another content/);
  });

  it('a length that is too small; one that is too large does not matter', async () => {
    hub.faults = { announced: { [WEIGHTS]: 1000 } };
    await expect(pull()).rejects.toThrow(/could not be fetched from .*the connection was cut/);
    expect(cached().some((name) => name.endsWith(WEIGHTS))).toBe(false);
    hub.faults = { announced: { [WEIGHTS]: 9_000_000 } };
    const { dir } = await pull();
    expectSameFiles(dir, MODEL);
  });

  it.each(['../../evil.json', '/etc/cron.d/evil', 'a\\..\\evil', 'config.json\u0000.txt'])(
    'the name %j',
    async (name) => {
      hub.faults = { extraNames: [name] };
      await expect(pull()).rejects.toMatchObject({ code: 'HUB_FILE_NAME' });
      expect(cached()).toEqual([]);
    },
  );

  it('redirects without end', async () => {
    hub.faults = { endless: true };
    await expect(pull()).rejects.toThrow(/redirects .* more than 10 times/);
  });

  it('more than the disk takes', async () => {
    const work = await planPull(readSource(SOURCE), options());
    const full = { ...work, plan: { ...work.plan, freeBytes: 1000 } };
    await expect(runPull(full, options(), { onProgress: () => {} })).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(cached()).toEqual([]);
  });

  it('a second one at the same time', async () => {
    hub.faults = { slowMs: 5 };
    const first = pull();
    await expect.poll(() => parts().length).toBe(1);
    await expect(pull()).rejects.toMatchObject({ code: 'HUB_BUSY' });
    hub.faults = {};
    await first;
  });
});

describe('the token', () => {
  it('goes to the hub and not to the store that it redirects to', async () => {
    await pull(SOURCE, { token: hub.token });
    const sent = Map.groupBy(hub.requests, ({ host }) => host);
    expect(new Set(sent.get('hub')!.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${hub.token}`]),
    );
    expect(sent.get('store')!.length).toBeGreaterThan(0);
    expect(sent.get('store')!.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it('opens a gated model; without it, or without access, the way is said', async () => {
    hub.add('owner/gated', MODEL, { gated: true });
    expect((await planPull(readSource('hf:owner/gated'), options())).plan.gated).toBe(true);
    await expect(pull('hf:owner/gated')).rejects.toThrow(
      /owner\/gated is gated; accept the licence on http.*\/owner\/gated, then store a token .* "graft hub login"/,
    );
    hub.faults = { closedListing: true };
    await expect(planPull(readSource('hf:owner/gated'), options())).rejects.toMatchObject({ code: 'HUB_GATED' });
    hub.faults = {};
    hub.hasAccess = false;
    await expect(pull('hf:owner/gated', { token: hub.token })).rejects.toThrow(/has no access yet; accept the licence/);
    hub.hasAccess = true;
    expect((await pull('hf:owner/gated', { token: hub.token })).kind).toBe('model');
  });

  it('that is wrong, a model and a revision that are not there', async () => {
    await expect(pull(SOURCE, { token: 'hf_wrong00000' })).rejects.toThrow(
      /does not accept your token; make a new one/,
    );
    await expect(pull('hf:owner/none')).rejects.toThrow(/has no model owner\/none, or it is private; check the name/);
    await expect(pull(`${SOURCE}@v9`)).rejects.toThrow(/has no revision v9/);
  });

  it('is not sent unencrypted to another machine', async () => {
    await expect(pull(SOURCE, { endpoint: 'http://192.0.2.1', token: hub.token })).rejects.toMatchObject({
      code: 'HUB_INSECURE',
    });
  });
});
