/** Pulls and pushes through the API and the command line, against a server that behaves as the hub. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { expectSameFiles } from '../../../test-support/checks/sameFiles.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { exportGguf } from '../../gguf/exportGguf.ts';
import { tokenizerMetadata } from '../../gguf/tokenizer/toGguf.ts';
import { FakeHub } from '../../../test-support/fakes/hub.ts';
import { writeStarterAdapter } from '../../../test-support/fixtures/adapterFolder.ts';
import { hostEntry } from '../../../test-support/hostEntry.ts';
import { MODEL, openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import type { PullEvent } from '../../../src-shared/pulls.ts';

const SOURCE = 'hf:owner/starter';
const WEIGHTS = 'model.safetensors';
let hub: FakeHub;
let bench: TestBench;
let env: Record<string, string>;

beforeEach(async () => {
  hub = await FakeHub.start();
  hub.add('owner/starter', MODEL, { licence: 'mit' });
  bench = openBench();
  env = { HF_ENDPOINT: hub.endpoint, HF_HOME: path.join(bench.dir, 'hf'), HF_HUB_CACHE: path.join(bench.dir, 'cache') };
  for (const name of ['HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE']) vi.stubEnv(name, '');
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bench.close();
  await hub.close();
});

async function events(id: string): Promise<PullEvent[]> {
  const seen: PullEvent[] = [];
  for await (const event of await bench.api.pulls.watch({ id })) seen.push(event);
  return seen;
}

function parts(): string[] {
  const blobs = path.join(env['HF_HUB_CACHE']!, 'models--owner--starter', 'blobs');
  return fs.existsSync(blobs)
    ? fs
        .readdirSync(blobs)
        .filter((name) => name.endsWith('.incomplete'))
        .map((name) => path.join(blobs, name))
    : [];
}

/** Once so many bytes of the weights lie on the disk. */
async function until(bytes: number): Promise<void> {
  const size = () => Math.max(0, ...parts().map((part) => fs.statSync(part, { throwIfNoEntry: false })?.size ?? 0));
  await expect.poll(size, { timeout: 30_000, interval: 10 }).toBeGreaterThan(bytes);
}

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function graft(argv: string[], { input = '', more = {}, onStart = (_pid: number): void => {} } = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [hostEntry('cli'), ...argv], {
      env: { ...process.env, ...env, GRAFT_HOME: path.join(bench.dir, 'cli-home'), ...more },
    });
    const out: Outcome = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()));
    child.on('close', (code) => resolve({ ...out, code }));
    child.stdin.end(input);
    onStart(child.pid!);
  });
}

describe('a pull', () => {
  it('is planned, watched to its end, and a model of the catalogue', async () => {
    const plan = await bench.api.pulls.plan({ source: SOURCE });
    expect(plan).toMatchObject({ licence: 'mit', kind: 'model', repository: 'owner/starter' });
    await expect(bench.api.pulls.list()).resolves.toEqual([]);
    const { id } = await bench.api.pulls.start({ source: SOURCE });
    const seen = await events(id);
    const progress = seen.filter((event) => event.type === 'progress');
    expect(progress.at(-1)).toMatchObject({ doneBytes: plan.totalBytes, totalBytes: plan.totalBytes });
    expect(seen.at(-1)).toMatchObject({ type: 'status', pull: { status: 'completed', error: null, note: null } });
    const [model] = await bench.api.models.list();
    expect(model).toMatchObject({ name: 'owner/starter', state: 'ok', dir: fs.realpathSync(plan.dir) });
    expect((await bench.api.models.add({ dir: MODEL })).hash).toBe(model!.hash);
    expect(fs.readdirSync(path.join(bench.home, 'pulls'))).toEqual([]);
  });

  it('of one GGUF file, named in its folder, is a model too', async () => {
    const dir = path.join(bench.dir, 'gguf', 'q');
    fs.mkdirSync(dir, { recursive: true });
    const base = openBaseModel(MODEL);
    const tokens = tokenizerMetadata(MODEL, base.config);
    await exportGguf({ base, quantise: 'Q8_0', tokenizerMetadata: tokens, outFile: path.join(dir, 'm.Q8_0.gguf') });
    base.close();
    fs.writeFileSync(path.join(dir, 'other.gguf'), 'not wanted');
    hub.add('owner/gguf', path.dirname(dir));
    const { id } = await bench.api.pulls.start({ source: 'hf:owner/gguf/q/m.Q8_0.gguf' });
    expect(await bench.services.pulls.finished(id)).toMatchObject({ status: 'completed', note: null });
    expect(await bench.api.models.list()).toMatchObject([{ name: 'owner/gguf/m.Q8_0.gguf', dtype: 'Q8_0' }]);
    expect(hub.requests.some(({ url }) => url.includes('other.gguf'))).toBe(false);
  });

  it('is cancelled, kept through a restart, gone on with, and given up', async () => {
    hub.faults = { slowMs: 20 };
    const { id } = await bench.api.pulls.start({ source: SOURCE });
    await until(200_000);
    await expect(bench.api.pulls.start({ source: SOURCE })).rejects.toThrow(/is being fetched already/);
    expect(await bench.api.pulls.cancel({ id })).toMatchObject({ status: 'cancelled' });
    await bench.reopen();
    expect(await bench.api.pulls.list()).toMatchObject([{ id, source: SOURCE, status: 'cancelled' }]);
    const again = await bench.api.pulls.start({ source: SOURCE });
    expect(again.id).toBe(id);
    expect(again.plan.missingBytes).toBeLessThan(again.plan.totalBytes - 200_000);
    await bench.reopen();
    expect(await bench.api.pulls.list()).toMatchObject([{ id, status: 'interrupted' }]);
    expect(parts()).toHaveLength(1);
    await bench.api.pulls.discard({ id });
    expect(parts()).toEqual([]);
    expect(await bench.api.pulls.list()).toEqual([]);
  });

  it('of a family that Graft does not know ends before its weights come', async () => {
    const dir = path.join(bench.dir, 'strange');
    fs.mkdirSync(dir);
    fs.writeFileSync(path.join(dir, 'config.json'), '{"model_type": "unheard_of"}');
    fs.writeFileSync(path.join(dir, WEIGHTS), Buffer.alloc(40 << 20));
    hub.add('owner/strange', dir);
    const { id } = await bench.api.pulls.start({ source: 'hf:owner/strange' });
    const { status, error } = await bench.services.pulls.finished(id);
    expect([status, error?.code]).toEqual(['failed', 'UNKNOWN_ARCHITECTURE']);
    expect(hub.requests.some(({ url }) => url.includes(WEIGHTS))).toBe(false);
  });
});

describe('on the command line', () => {
  it('a killed pull goes on where it was', async () => {
    hub.faults = { slowMs: 60 };
    let pid = 0;
    const killed = graft(['pull', SOURCE], { onStart: (started) => (pid = started) });
    await until(200_000);
    process.kill(pid, 'SIGKILL');
    await killed;
    hub.faults = {};
    hub.requests.length = 0;
    const { code, stdout, stderr } = await graft(['pull', SOURCE, '--json', '--name', 'mine']);
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout) as { plan: { dir: string }; model: { name: string } };
    expect(result.model.name).toBe('mine');
    expect(hub.requests.find(({ host }) => host === 'store')?.range).toMatch(/^bytes=[2-9]\d{5,}-$/);
    expectSameFiles(result.plan.dir, MODEL);
    // And once more without the hub.
    await hub.close();
    const offline = await graft(['pull', SOURCE, '--offline']);
    expect([offline.code, offline.stdout]).toEqual([0, expect.stringContaining('Added mine')]);
    hub = await FakeHub.start();
  });

  it('a token is read from standard input, used, and never printed', async () => {
    hub.add('owner/gated', MODEL, { gated: true });
    const refused = await graft(['pull', 'hf:owner/gated']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/owner\/gated is gated; accept the licence on .* "graft hub login"/);
    const login = await graft(['hub', 'login'], { input: `${hub.token}\n` });
    expect(login.stdout).toMatch(/^The token is kept in .*hub-token, which only you can read/);
    const pulled = await graft(['pull', 'hf:owner/gated']);
    const logout = await graft(['hub', 'logout']);
    expect([pulled.code, logout.stdout]).toEqual([0, 'The token is forgotten.\n']);
    const said = [refused, login, pulled, logout].map(({ stdout, stderr }) => stdout + stderr).join('');
    expect(said).not.toContain(hub.token.slice(3));
    for (const name of fs.readdirSync(path.join(bench.dir, 'cli-home')))
      if (fs.statSync(path.join(bench.dir, 'cli-home', name)).isFile())
        expect(fs.readFileSync(path.join(bench.dir, 'cli-home', name)).includes(hub.token)).toBe(false);
  });
});

describe('a push', () => {
  async function adapter() {
    await bench.api.models.add({ dir: MODEL });
    const dir = await writeStarterAdapter(path.join(bench.dir, 'adapter'), { hidden: 96 });
    const config = path.join(dir, 'adapter_config.json');
    fs.writeFileSync(
      config,
      fs.readFileSync(config, 'utf8').replace(/("base_model_name_or_path": )null/, `$1"${bench.dir}/base"`),
    );
    return bench.api.adapters.import({ dir, taskName: 'colours', name: 'my adapter' });
  }

  it('arrives byte by byte with its card, and names no folder of this machine', async () => {
    const { id, dir } = await adapter();
    vi.stubEnv('HF_TOKEN', hub.token);
    await bench.api.adapters.update({ id, notes: 'for my eyes only' });
    const result = await bench.services.pushes.push({ adapterId: id, to: 'me/mine', isPrivate: true });
    expect(result).toMatchObject({ url: `${hub.endpoint}/me/mine`, isNew: true });
    expect(hub.created).toEqual([{ name: 'mine', organization: 'me', visibility: 'private' }]);
    const files = hub.pushed.get('me/mine')!;
    expect([...files.keys()].sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
    const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(sha(files.get('adapter_model.safetensors')!)).toBe(
      sha(fs.readFileSync(path.join(dir, 'adapter_model.safetensors'))),
    );
    const config = files.get('adapter_config.json')!.toString();
    expect(config).toContain('"base_model_name_or_path": "model"');
    expect(config.replace('"model"', `"${bench.dir}/base"`)).toBe(
      fs.readFileSync(path.join(dir, 'adapter_config.json'), 'utf8'),
    );
    expect(files.get('README.md')!.toString()).toMatch(
      /library_name: peft[^]*# my adapter[^]*for the task colours[^]*my adapter, LoRA[^|]*rank 2[^]*from_pretrained\(base, "me\/mine"\)/,
    );
    for (const content of files.values())
      expect(content.includes(bench.dir) || content.includes('my eyes')).toBe(false);
    expect(hub.requests.filter(({ host }) => host === 'store').every(({ authorization }) => !authorization)).toBe(true);

    // And back again.
    const back = path.join(bench.dir, 'back');
    fs.mkdirSync(back);
    for (const [name, content] of files) fs.writeFileSync(path.join(back, name), content);
    hub.add('me/back', back);
    const { note, plan } = await bench.services.pulls.finished((await bench.api.pulls.start({ source: 'me/back' })).id);
    expect(note).toMatch(/^This is an adapter; import .* or name that folder with --adapter/);
    const { same } = await bench.api.adapters.inspect({ dir: plan.dir });
    expect(same).toEqual([{ id, name: 'my adapter' }]);

    // Once more, into the repository that is there.
    expect(await bench.services.pushes.push({ adapterId: id, to: 'me/mine', isPrivate: false })).toMatchObject({
      isNew: false,
    });
  });

  it('needs a token that may write, and PEFT’s format', async () => {
    const { id, dir } = await adapter();
    const push = () => bench.services.pushes.push({ adapterId: id, to: 'me/mine', isPrivate: false });
    await expect(push()).rejects.toThrow(/needs a token with the right to write/);
    expect(hub.requests).toEqual([]);
    vi.stubEnv('HF_TOKEN', hub.token);
    hub.hasAccess = false;
    await expect(push()).rejects.toThrow(/does not let your token write to me\/mine/);
    fs.rmSync(path.join(dir, 'adapter_config.json'));
    await expect(push()).rejects.toMatchObject({ code: 'PUSH_NOT_PEFT' });
  });
});
