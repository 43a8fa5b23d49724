/** What only a connection can do: break, be refused, meet a stranger or another shell. Against a real sshd. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { missingPrograms, startSshd, type Sshd } from '../../test-support/rigs/sshd.ts';
import type { Machine } from './machine.ts';
import { sshMachine, type SshMachineOptions } from './sshMachine.ts';

const MB = 1 << 20;
const missing = await missingPrograms({ sshd: 'openssh-server', ssh: 'openssh-client', rsync: 'rsync' });
const SHELLS = ['bash', 'dash', 'tcsh', 'fish', 'zsh'];
const missingShells =
  missing.length > 0 ? SHELLS : await missingPrograms(Object.fromEntries(SHELLS.map((name) => [name, name])));

const started = async (options?: Parameters<typeof startSshd>[0]) => {
  const sshd = await startSshd(options);
  onTestFinished(() => sshd.stop());
  return sshd;
};
const connected = ({ connection }: Sshd, options: SshMachineOptions = {}): Machine => {
  const machine = sshMachine(connection, { name: 'the box', ...options });
  onTestFinished(() => machine.close());
  return machine;
};

describe.skipIf(missing.length > 0)(`over ssh${missing.length > 0 ? ` (without ${missing.join(', ')})` : ''}`, () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd?.stop());

  it.each(['rsync', 'sftp'] as const)('%s goes on after a broken connection, both ways', async (tool) => {
    const machine = connected(sshd, { tool });
    const from = temporaryFolder();
    const bytes = crypto.randomBytes(50 * MB);
    fs.writeFileSync(path.join(from, 'weights'), bytes);
    const there = path.join(sshd.home, tool);
    const here = path.join(temporaryFolder(), 'back');
    for (const [to, copy] of [
      [there, () => machine.send(from, there)],
      [here, () => machine.fetch(there, here)],
    ] as const) {
      const broken = copy();
      const cut = setInterval(() => incoming(to).sizeBytes > 5 * MB && (sshd.cutConnections(), clearInterval(cut)), 1);
      await expect(broken).rejects.toMatchObject({
        code: 'TRANSFER_BROKEN',
        message: expect.stringContaining('the box'),
      });
      clearInterval(cut);
      const partial = incoming(to);
      expect(partial.sizeBytes).toBeGreaterThan(MB);
      expect(partial.sizeBytes).toBeLessThan(50 * MB);
      expect(fs.readdirSync(to)).toEqual(['.graft-transfer']);
      await copy();
      const file = path.join(to, 'weights');
      // The very file that had begun: nothing was sent twice.
      expect(fs.statSync(file).ino).toBe(partial.inode);
      expect(fs.readFileSync(file).equals(bytes)).toBe(true);
      expect(fs.readdirSync(to)).toEqual(['weights']);
    }
    expect(fs.readdirSync(there)).toEqual(['weights']);
  });

  it('what has arrived wrong is thrown away, and does not stand under its name', async () => {
    const machine = connected(sshd, { tool: 'rsync' });
    const from = temporaryFolder();
    const bytes = crypto.randomBytes(MB);
    fs.writeFileSync(path.join(from, 'file'), bytes);
    const to = path.join(sshd.home, 'wrong');
    const sha256 = crypto.createHash('sha256').update(bytes).digest('hex');
    fs.mkdirSync(path.join(to, '.graft-transfer/in'), { recursive: true });
    fs.writeFileSync(path.join(to, '.graft-transfer/in', sha256), Buffer.alloc(1000, 'x'));
    await expect(machine.send(from, to)).rejects.toMatchObject({ code: 'TRANSFER_BROKEN' });
    expect(fs.readdirSync(to)).toEqual(['.graft-transfer']);
    await machine.send(from, to);
    expect(fs.readFileSync(path.join(to, 'file')).equals(bytes)).toBe(true);
  });

  it('rejects what is under way when the connection breaks, and connects anew', async () => {
    const machine = connected(sshd);
    const logFile = path.join(sshd.home, 'log');
    const { pid } = await machine.start(['sleep', '100'], { cwd: sshd.home, logFile });
    const under = [machine.run(['sleep', '30']), machine.run(['sleep', '31'])];
    await machine.exists('/');
    expect(sshd.cutConnections()).toBeGreaterThan(0);
    for (const asked of under) {
      await expect(asked).rejects.toMatchObject({
        code: 'MACHINE_AWAY',
        message: expect.stringMatching(/^The connection to the box .* broke off.*goes on/),
      });
    }
    expect(await machine.isAlive(pid)).toBe(true);
    await machine.signal(pid, 'SIGTERM');
    await expect.poll(() => machine.isAlive(pid)).toBe(false);
  });

  it('finds the home folder behind ~', async () => {
    const machine = connected(sshd);
    await machine.write('~/of home/file', 'here');
    expect(fs.readFileSync(path.join(sshd.home, 'of home/file'), 'utf8')).toBe('here');
    expect((await machine.run(['pwd'], { cwd: '~/of home' })).stdout).toBe(`${path.join(sshd.home, 'of home')}\n`);
  });

  it('says on which machine a file is in the way', async () => {
    const machine = connected(sshd);
    fs.writeFileSync(path.join(sshd.home, 'file'), '');
    await expect(machine.makeFolder('~/file/below')).rejects.toMatchObject({
      code: 'NOT_OURS',
      message: expect.stringMatching(/^On the box: .*\/home\/file is not a folder; move it away/),
    });
    await expect(machine.write('/proc/none', '')).rejects.toMatchObject({
      message: expect.stringMatching(/^On the box: \/proc/),
    });
  });

  it('a changed host key is refused, and nothing is sent', async () => {
    const own = await started();
    const machine = connected(own);
    expect((await machine.run(['echo', 'in'])).stdout).toBe('in\n');
    machine.close();
    await own.changeHostKey();
    const before = logins(own);
    const refused = {
      code: 'HOST_KEY_CHANGED',
      message: expect.stringMatching(/another host key.*nothing was sent.*`ssh-keygen -f '.*known_hosts' -R '\[127/s),
    };
    await expect(machine.run(['touch', path.join(own.home, 'sent')])).rejects.toMatchObject(refused);
    const from = temporaryFolder();
    fs.writeFileSync(path.join(from, 'file'), 'secret');
    await expect(machine.send(from, '~/sent')).rejects.toMatchObject(refused);
    expect(logins(own)).toBe(before);
    expect(fs.readdirSync(own.home)).toEqual([]);
  });

  it('a host that nobody has seen before is not trusted', async () => {
    const own = await started({ known: false });
    const machine = connected(own);
    await expect(machine.exists('/')).rejects.toMatchObject({
      code: 'HOST_UNKNOWN',
      message: expect.stringContaining(`-p ${own.port} ${own.connection.host}\` once`),
    });
    expect(logins(own)).toBe(0);
  });

  it('tells why it cannot connect', async () => {
    const other = path.join(temporaryFolder(), 'key');
    fs.copyFileSync(`${sshd.connection.identityFile!.replace(/user$/, 'otherHost')}`, other);
    const why = async (connection: Partial<Sshd['connection']>, node?: string) => {
      const machine = sshMachine({ ...sshd.connection, ...connection }, { name: 'the box', node });
      const error: unknown = await machine.exists('/').catch((thrown: unknown) => thrown);
      machine.close();
      expect(error).toMatchObject({ code: 'MACHINE_AWAY' });
      return error instanceof Error ? error.message : '';
    };
    expect(await why({ identityFile: other })).toMatch(/does not let you in.*Permission denied.*ssh-copy-id/);
    expect(await why({ port: 1 })).toMatch(/answers, but no ssh server does on this port/);
    expect(await why({ host: 'no-such-host.invalid' })).toMatch(/there is no machine of the name no-such-host.invalid/);
    expect(await why({}, '/no/such/node')).toMatch(
      /is there, but \/no\/such\/node is no program there; install Node 20/,
    );
    expect(await why({}, '/bin/false')).toMatch(/is there, but \/bin\/false does not run Graft's agent \(code 1/);
    const bad = sshMachine(sshd.connection, { node: 'node; touch pwned' });
    await expect(bad.exists('/')).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('hears the agent behind what login scripts print', async () => {
    const own = await started();
    fs.writeFileSync(path.join(own.home, '.bashrc'), 'echo Welcome; echo "{}"; printf "no end of line"; echo so >&2\n');
    fs.writeFileSync(path.join(own.home, '.zshenv'), 'echo Welcome; printf "no end of line"\n');
    expect((await connected(own).run(['echo', 'in'])).stdout).toBe('in\n');
  });

  it.each(SHELLS)('the login shell may be %s', async (shell) => {
    if (missingShells.includes(shell)) return console.warn(`skipped: there is no ${shell} here`);
    const own = await started({ shell });
    const machine = connected(own, { node: process.execPath });
    const hostile = `a 'b' "c" $(touch pwned) \`touch pwned\` !! \\ * ~ ;\n`;
    expect(await machine.run(['printf', '%s', hostile], { cwd: '~' })).toMatchObject({ code: 0, stdout: hostile });
    const from = temporaryFolder();
    fs.writeFileSync(path.join(from, '$(touch pwned)'), shell);
    await machine.send(from, `${own.home}/to '"$(touch pwned)!!`);
    await machine.fetch(`${own.home}/to '"$(touch pwned)!!`, path.join(from, 'back'));
    expect(fs.readFileSync(path.join(from, 'back', '$(touch pwned)'), 'utf8')).toBe(shell);
    expect(fs.existsSync(path.join(own.home, 'pwned'))).toBe(false);
  });

  it('works from the built bundle', async () => {
    // Beside the repository's own modules, as the app's bundle.
    const out = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-bundle-'));
    onTestFinished(() => fs.rmSync(out, { recursive: true, force: true }));
    const at = (name: string) => path.join(import.meta.dirname, name);
    await build({
      configFile: false,
      logLevel: 'error',
      build: {
        ssr: true,
        outDir: out,
        rollupOptions: {
          input: { main: at('sshMachine.ts'), other: at('localMachine.ts'), remoteAgent: at('agent/serve.ts') },
          output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
        },
      },
      ssr: { noExternal: true },
    });
    const bundle = (await import(pathToFileURL(path.join(out, 'main.js')).href)) as {
      sshMachine: typeof sshMachine;
    };
    const machine = bundle.sshMachine(sshd.connection);
    expect((await machine.run(['echo', 'from the bundle'])).stdout).toBe('from the bundle\n');
    machine.close();
  });
});

/** Connections that got past the keys, as the server tells it. */
function logins(sshd: Sshd): number {
  return sshd.log().split('Accepted publickey').length - 1;
}

/** The one file that is on its way. */
function incoming(to: string): { sizeBytes: number; inode: number } {
  const folder = path.join(to, '.graft-transfer', 'in');
  const [name] = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const stat = name === undefined ? undefined : fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
  return { sizeBytes: stat?.size ?? 0, inode: stat?.ino ?? 0 };
}
