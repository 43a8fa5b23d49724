import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWebHost, type WebHost } from './webHost.ts';
import { createRouter } from '../../api/router.ts';
import { openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { receiveUpload } from './upload.ts';

const TOKEN = 'a-token-for-tests';
let dir: string;
let server: http.Server;
let address: string;

beforeEach(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-upload-'));
  server = http.createServer((req, res) => {
    const { searchParams } = new URL(req.url!, 'http://127.0.0.1');
    const params = { name: searchParams.get('name'), folder: searchParams.get('folder') };
    void receiveUpload(req, res, params, path.join(dir, 'uploads'), 20);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  address = `http://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const send = async (name: string, content: string, folder?: string) => {
  const beside = folder === undefined ? '' : `&folder=${encodeURIComponent(folder)}`;
  const answer = await fetch(`${address}/api/upload?name=${encodeURIComponent(name)}${beside}`, {
    method: 'POST',
    body: content,
  });
  return { status: answer.status, ...((await answer.json()) as { path?: string; message?: string }) };
};
const files = () =>
  fs.existsSync(path.join(dir, 'uploads'))
    ? fs.readdirSync(path.join(dir, 'uploads'), { recursive: true, encoding: 'utf8' }).filter((name) => /\./.test(name))
    : [];

describe('a dropped file', () => {
  it('lies under its own name with its own content', async () => {
    const { status, path: file } = await send('röws.jsonl', '{"text": "a"}');
    expect(status).toBe(200);
    expect(path.basename(file!)).toBe('röws.jsonl');
    expect(fs.readFileSync(file!, 'utf8')).toBe('{"text": "a"}');
  });

  it('lies beside an earlier one that it belongs to; one that does not arrive takes nothing with it', async () => {
    const { path: first } = await send('config.json', '{}');
    const folder = path.basename(path.dirname(first!));
    const { path: second } = await send('weights.bin', 'abc', folder);
    expect(path.dirname(second!)).toBe(path.dirname(first!));
    expect((await send('large.bin', 'x'.repeat(21), folder)).status).toBe(413);
    expect(fs.readdirSync(path.dirname(first!)).sort()).toEqual(['config.json', 'weights.bin']);
  });

  it.each(['..', '../uploads', 'a', '0123456789', 'nothing/..'])(
    'in a folder %s that was not made here is refused',
    async (folder) => {
      expect(await send('a.jsonl', 'x', folder)).toMatchObject({
        status: 400,
        message: 'The folder of the dropped files is gone; drop them again.',
      });
      expect(files()).toEqual([]);
    },
  );

  it.each(['../../evil.jsonl', '..\\..\\evil.jsonl', '/etc/evil.jsonl'])(
    'named %s stays in its folder',
    async (name) => {
      const { path: file } = await send(name, 'x');
      expect(path.dirname(path.dirname(file!))).toBe(path.join(dir, 'uploads'));
      expect(path.basename(file!)).toBe('evil.jsonl');
    },
  );

  it('that is too large is refused in a sentence, and nothing of it stays', async () => {
    expect(await send('big.jsonl', 'x'.repeat(21))).toMatchObject({
      status: 413,
      message: expect.stringMatching(/more than 20 bytes .* type the path/) as string,
    });
    expect(files()).toEqual([]);
  });

  it('without a name is refused', async () =>
    expect(await send('..', 'x')).toMatchObject({
      status: 400,
      message: expect.stringContaining('has no name') as string,
    }));

  it('that breaks off leaves nothing', async () => {
    const request = http.request(`${address}/api/upload?name=half.jsonl`, {
      method: 'POST',
      headers: { 'content-length': 15 },
    });
    request.on('error', () => undefined);
    request.write('half');
    await expect.poll(() => files().length).toBe(1);
    request.destroy();
    await expect.poll(() => files()).toEqual([]);
  });
});

describe('on the web host', () => {
  let bench: TestBench;
  let host: WebHost;
  beforeEach(async () => {
    bench = openBench();
    host = await startWebHost({
      router: createRouter(bench.services),
      rendererDir: dir,
      uploadsDir: bench.services.home.uploadsDir,
      port: 0,
      token: TOKEN,
    });
  });
  afterEach(async () => {
    await host.close();
    await bench.close();
  });

  it('only who may use the API may drop a file', async () => {
    const post = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${host.port}/api/upload?name=a.jsonl`, { method: 'POST', body: 'x', headers });
    expect((await post({})).status).toBe(401);
    expect((await post({ authorization: `Bearer ${TOKEN}`, origin: 'http://evil.example' })).status).toBe(403);
    expect(fs.existsSync(bench.services.home.uploadsDir)).toBe(false);
    const taken = await post({ authorization: `Bearer ${TOKEN}` });
    const { path: file } = (await taken.json()) as { path: string };
    expect(fs.readFileSync(file, 'utf8')).toBe('x');
  });
});
