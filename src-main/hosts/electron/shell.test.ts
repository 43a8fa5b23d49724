/** The parts of the shell that protect the user, against recorded calls on stand-ins for Electron's objects. */
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { OpenDialogOptions, Session, WebContents } from 'electron';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ORIGIN, pageResponse } from './appProtocol.ts';
import { CHANNELS } from './bridge.ts';
import { serveDialogs } from './dialogs.ts';
import { FakeIpc } from '../../../test-support/fakes/fakeIpc.ts';
import { createPageBridge } from './pageBridge.ts';
import { utilityWorkers } from './utilityWorker.ts';
import { lockContents, lockSession, windowOptions } from './window.ts';

const PAGE = `${ORIGIN}/index.html`;
const pathOf = (file: File) => `/dropped/${file.name}`;

describe('window', () => {
  it('isolates and sandboxes the page', () => {
    expect(
      windowOptions('/p/preload.cjs', { width: 1280, height: 860 }, { devTools: false }).webPreferences,
    ).toMatchObject({
      preload: '/p/preload.cjs',
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      devTools: false,
    });
  });

  /** Whether the page's navigation event is stopped. */
  function contentsThatRecord() {
    let openHandler: ((details: { url: string }) => unknown) | undefined;
    const contents = Object.assign(new EventEmitter(), {
      setWindowOpenHandler: (handler: typeof openHandler) => (openHandler = handler),
    });
    lockContents(contents as unknown as WebContents, ORIGIN);
    const isStopped = (event: string, url: string) => {
      let stopped = false;
      contents.emit(event, { url, preventDefault: () => (stopped = true) });
      return stopped;
    };
    return { isStopped, open: (url: string) => openHandler?.({ url }) };
  }

  it('denies navigation away, redirects, webviews and new windows', () => {
    const { isStopped, open } = contentsThatRecord();
    expect(isStopped('will-frame-navigate', 'https://example.org/')).toBe(true);
    expect(isStopped('will-frame-navigate', 'app://graft.example/')).toBe(true);
    expect(isStopped('will-frame-navigate', 'file:///etc/passwd')).toBe(true);
    expect(isStopped('will-frame-navigate', PAGE)).toBe(false);
    expect(isStopped('will-redirect', PAGE)).toBe(true);
    expect(isStopped('will-attach-webview', PAGE)).toBe(true);
    expect(open('https://example.org/')).toEqual({ action: 'deny' });
    expect(open(PAGE)).toEqual({ action: 'deny' });
  });

  it('denies all permissions but notifications of its own page, devices and every foreign request', () => {
    const handlers: Record<string, (...args: never[]) => unknown> = {};
    const keep = (name: string) => (handler: (...args: never[]) => unknown) => (handlers[name] = handler);
    const session = Object.assign(new EventEmitter(), {
      setPermissionRequestHandler: keep('request'),
      setPermissionCheckHandler: keep('check'),
      setDevicePermissionHandler: keep('device'),
      webRequest: { onBeforeRequest: keep('before') },
    });
    lockSession(session as unknown as Session, ORIGIN);
    const call = (name: string, ...args: unknown[]) => handlers[name]?.(...(args as never[]));

    const answers: unknown[] = [];
    const frame = (url: string) => ({ requestingUrl: url, isMainFrame: true });
    for (const permission of ['media', 'geolocation', 'clipboard-read', 'openExternal'])
      call('request', null, permission, (granted: boolean) => answers.push(granted), frame(PAGE));
    call('request', null, 'notifications', (granted: boolean) => answers.push(granted), frame('https://example.org/'));
    call('request', null, 'notifications', (granted: boolean) => answers.push(granted), frame(PAGE));
    expect(answers.splice(0)).toEqual([false, false, false, false, false, true]);
    call('before', { url: 'https://example.org/x.js' }, (answer: unknown) => answers.push(answer));
    call('before', { url: `${ORIGIN}/assets/x.js` }, (answer: unknown) => answers.push(answer));
    expect(answers).toEqual([{ cancel: true }, { cancel: false }]);
    expect(call('check', null, 'clipboard-read', ORIGIN)).toBe(false);
    expect(call('check', null, 'notifications', `${ORIGIN}/`)).toBe(true);
    expect(call('check', null, 'notifications', 'https://example.org/')).toBe(false);
    expect(call('device', {})).toBe(false);
    const download = (url: string, name: string) => {
      let stopped = false;
      let asked: unknown;
      session.emit(
        'will-download',
        { preventDefault: () => (stopped = true) },
        {
          getURL: () => url,
          getFilename: () => name,
          setSaveDialogOptions: (options: unknown) => (asked = options),
        },
      );
      return { stopped, asked };
    };
    expect(download(`blob:${ORIGIN}/0b0e`, 'run.csv')).toEqual({
      stopped: false,
      asked: { title: 'Save', defaultPath: 'run.csv' },
    });
    expect(download(`blob:${ORIGIN}/0b0e`, '../../run.csv').asked).toMatchObject({ defaultPath: 'run.csv' });
    for (const url of [`${ORIGIN}/index.html`, 'https://example.org/x', 'blob:https://example.org/1', 'data:,x'])
      expect(download(url, 'x')).toEqual({ stopped: true, asked: undefined });
  });
});

describe('app:// files', () => {
  let folder: string;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-page-'));
    fs.mkdirSync(path.join(folder, 'renderer/assets'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'secret.txt'), 'secret');
    fs.mkdirSync(path.join(folder, 'renderer-old'));
    fs.writeFileSync(path.join(folder, 'renderer-old/old.txt'), 'old');
    fs.writeFileSync(path.join(folder, 'renderer/index.html'), '<p>page</p>');
    fs.writeFileSync(path.join(folder, 'renderer/assets/a b.js'), 'let a;');
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
  const get = (url: string, method = 'GET') => pageResponse(path.join(folder, 'renderer'), { url, method });

  it('serves the page with its type and a strict content policy', async () => {
    for (const url of [PAGE, `${ORIGIN}/`, `${PAGE}#/runs`]) {
      const response = await get(url);
      expect(await response.text()).toBe('<p>page</p>');
      expect(response.headers.get('content-type')).toContain('text/html');
      const policy = response.headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toContain('unsafe-eval');
    }
    expect((await get(`${ORIGIN}/assets/a%20b.js`)).headers.get('content-type')).toContain('text/javascript');
  });

  it.each([
    `${ORIGIN}/../secret.txt`,
    `${ORIGIN}/..%2fsecret.txt`,
    `${ORIGIN}/assets/..%2f..%2fsecret.txt`,
    `${ORIGIN}/..%2frenderer-old%2fold.txt`,
    `${ORIGIN}/%00`,
    `${ORIGIN}/%zz`,
    `${ORIGIN}/assets`,
    'app://other/index.html',
    'https://graft/index.html',
  ])('does not serve %s', async (url) => {
    expect((await get(url)).status).toBe(404);
  });

  it('answers GET only', async () => {
    expect((await get(PAGE, 'POST')).status).toBe(404);
  });
});

describe('dialogs', () => {
  function dialogsThatAnswer(answer: { canceled: boolean; filePaths: string[] }) {
    const asked: OpenDialogOptions[] = [];
    const ipc = new FakeIpc();
    serveDialogs(ipc, ORIGIN, async (options) => {
      asked.push(options);
      return answer;
    });
    return { ipc, asked };
  }

  it('gives the chosen path, null when cancelled', async () => {
    const chosen = dialogsThatAnswer({ canceled: false, filePaths: ['/models/a'] });
    const graft = createPageBridge(chosen.ipc.page(PAGE).renderer, pathOf);
    expect(await graft.pickFolder()).toBe('/models/a');
    expect(await graft.pickFile(['jsonl', 'csv'])).toBe('/models/a');
    expect(chosen.asked.map((options) => options.properties)).toEqual([
      ['openDirectory', 'createDirectory'],
      ['openFile'],
    ]);
    expect(chosen.asked[1]?.filters).toEqual([{ name: 'jsonl, csv', extensions: ['jsonl', 'csv'] }]);

    const cancelled = dialogsThatAnswer({ canceled: true, filePaths: [] });
    expect(await createPageBridge(cancelled.ipc.page(PAGE).renderer, pathOf).pickFolder()).toBeNull();
  });

  it('opens none for another page or with odd extensions', async () => {
    const { ipc, asked } = dialogsThatAnswer({ canceled: false, filePaths: ['/x'] });
    await expect(createPageBridge(ipc.page('https://example.org/').renderer, pathOf).pickFolder()).rejects.toThrow(
      /may not call/,
    );
    await expect(createPageBridge(ipc.page(PAGE).renderer, pathOf).pickFile(['../x'])).rejects.toThrow();
    expect(asked).toEqual([]);
  });
});

it('passes requests of the main process and paths of dropped files on to the page', () => {
  const { renderer, sender } = new FakeIpc().page(PAGE);
  const graft = createPageBridge(renderer, pathOf);
  const heard: unknown[] = [];
  const end = graft.onRequest((request) => heard.push(request));
  sender.send(CHANNELS.request, { kind: 'open', hash: '#/runs' });
  end();
  sender.send(CHANNELS.request, { kind: 'command', command: 'list' });
  expect(heard).toEqual([{ kind: 'open', hash: '#/runs' }]);
  expect(graft.pathOf(new File([], 'rows.jsonl'))).toBe('/dropped/rows.jsonl');
});

it('wraps a utility process as a worker channel', () => {
  const posted: unknown[] = [];
  const stderr = new EventEmitter();
  const child = Object.assign(new EventEmitter(), {
    pid: undefined as number | undefined,
    stderr: stderr as unknown as NodeJS.ReadableStream,
    postMessage: (message: unknown) => posted.push(message),
    kill: () => child.emit('exit', 137),
  });
  let entry = '';
  const channel = utilityWorkers((file) => {
    entry = file;
    return child;
  }, '/out/worker.js')();
  const messages: unknown[] = [];
  const exits: unknown[] = [];
  channel.onMessage((message) => messages.push(message));
  channel.onExit((exit) => exits.push(exit));
  channel.post({ kind: 'control', id: 1, action: 'stop' });
  child.emit('message', { kind: 'result', id: 1, result: 2 });
  stderr.emit('data', Buffer.from('warning\nout of memory\n'));
  channel.kill();
  expect(entry).toBe('/out/worker.js');
  expect(posted).toEqual([{ kind: 'control', id: 1, action: 'stop' }]);
  expect(messages).toEqual([{ kind: 'result', id: 1, result: 2 }]);
  expect(exits).toEqual([{ code: 137, signal: null, lastErrorLine: 'out of memory' }]);
});
