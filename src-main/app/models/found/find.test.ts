/** Caches as other programs lay them out, made by hand, with what lies about in real ones. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../../../test-support/fixtures/folders.ts';
import { writeStarterGguf } from '../../../../test-support/fixtures/starterGguf.ts';
import { MODEL } from '../../../../test-support/rigs/services.ts';
import type { ModelPlace, PlaceName } from '../../../../src-shared/foundModels.ts';
import { findModels } from './find.ts';
import { lookForModels } from './lookForModels.ts';
import { modelPlaces } from './places.ts';

const place = (name: PlaceName, dir = temporaryFolder()): ModelPlace => ({ name, dir });

function write(content: string | Uint8Array, ...parts: string[]): string {
  const file = path.join(...parts);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}

function linkTo(target: string, ...parts: string[]): void {
  const file = path.join(...parts);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.symlinkSync(target, file);
}

const WEIGHTS_BYTES = fs.statSync(path.join(MODEL, 'model.safetensors')).size;

describe("in Hugging Face's cache", () => {
  /** Blobs by hash and a snapshot of links to them, as huggingface_hub writes it. */
  function cached(hub: ModelPlace, repository: string, commit: string, source = MODEL): string {
    const root = path.join(hub.dir, `models--${repository.replace('/', '--')}`);
    const snapshot = path.join(root, 'snapshots', commit);
    for (const name of fs.readdirSync(source)) {
      const bytes = fs.readFileSync(path.join(source, name));
      const hash = createHash('sha256').update(bytes).digest('hex');
      write(bytes, root, 'blobs', hash);
      linkTo(path.join('..', '..', 'blobs', hash), snapshot, name);
    }
    write(commit, root, 'refs', 'main');
    return snapshot;
  }

  it('the newest whole snapshot of each repository is found through its links', () => {
    const hub = place('Hugging Face');
    const old = cached(hub, 'owner/starter', 'a'.repeat(40));
    const dir = cached(hub, 'owner/starter', 'b'.repeat(40));
    fs.utimesSync(old, 1, 1);
    cached(hub, 'noowner', 'c'.repeat(40));
    write('{}', hub.dir, 'models--owner--config-only', 'snapshots', 'd'.repeat(40), 'config.json');
    write('{}', hub.dir, 'datasets--owner--rows', 'snapshots', 'd'.repeat(40), 'config.json');
    const known = { place: 'Hugging Face', family: 'llama', problem: null, sizeBytes: WEIGHTS_BYTES, repository: null };
    const { models, problem } = findModels(hub);
    expect(problem).toBeNull();
    expect(models).toMatchObject([{ name: 'noowner' }, { name: 'owner/starter', path: dir, ...known }]);
    expect(models[1]!.form).toMatch(/^safetensors, F(16|32)|^safetensors, BF16/);
  });

  it('a family that Graft does not know, and weights packed by another program, are told with their reason', () => {
    const hub = place('Hugging Face');
    const source = temporaryFolder();
    fs.cpSync(MODEL, source, { recursive: true });
    const config = JSON.parse(fs.readFileSync(path.join(MODEL, 'config.json'), 'utf8')) as Record<string, unknown>;
    write(JSON.stringify({ ...config, model_type: 'mamba2' }), source, 'config.json');
    cached(hub, 'o/mamba', 'a'.repeat(40), source);
    // MLX packs a matrix into unsigned words.
    write(JSON.stringify(config), source, 'config.json');
    const weights = fs.readFileSync(path.join(MODEL, 'model.safetensors'), 'latin1');
    const packed = weights.replace('down_proj.weight":{"dtype":"F32"', 'down_proj.weight":{"dtype":"U32"');
    expect(packed).not.toBe(weights);
    write(Buffer.from(packed, 'latin1'), source, 'model.safetensors');
    write('---\nbase_model:\n- owner/original\ntags:\n- mlx\n---\n', source, 'README.md');
    cached(hub, 'o/packed-4bit', 'b'.repeat(40), source);
    expect(findModels(hub).models).toMatchObject([
      { name: 'o/mamba', family: null, problem: expect.stringContaining('mamba2') as string },
      {
        name: 'o/packed-4bit',
        repository: 'owner/original',
        problem: expect.stringContaining('quantised checkpoint') as string,
      },
    ]);
  });
});

describe("in Ollama's folder", () => {
  const manifest = (digest: string): string =>
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: 'application/vnd.docker.container.image.v1+json', digest: `sha256:${'1'.repeat(64)}` },
      layers: [
        { mediaType: 'application/vnd.ollama.image.template', digest: `sha256:${'2'.repeat(64)}`, size: 3 },
        { mediaType: 'application/vnd.ollama.image.model', digest, size: 4 },
      ],
    });

  it('manifests lead to the blobs, which are GGUF files, under the names that Ollama shows', async () => {
    const ollama = place('Ollama');
    const made = path.join(temporaryFolder(), 'made.gguf');
    await writeStarterGguf(made);
    const hex = createHash('sha256').update(fs.readFileSync(made)).digest('hex');
    const blob = write(fs.readFileSync(made), ollama.dir, 'blobs', `sha256-${hex}`);
    const manifests = path.join(ollama.dir, 'manifests');
    write(manifest(`sha256:${hex}`), manifests, 'registry.ollama.ai', 'library', 'starter', 'latest');
    write(manifest(`sha256:${hex}`), manifests, 'registry.ollama.ai', 'them', 'tuned', '1b');
    write(manifest(`sha256:${hex}`), manifests, 'hf.co', 'owner', 'starter-GGUF', 'Q8_0');
    // What a stopped download, a hand and somebody hostile leave behind.
    write(manifest(`sha256:${'0'.repeat(64)}`), manifests, 'registry.ollama.ai', 'library', 'half', 'latest');
    write('no JSON', manifests, 'registry.ollama.ai', 'library', 'bad', 'latest');
    write(manifest('sha256:../../../etc/passwd'), manifests, 'registry.ollama.ai', 'library', 'evil', 'latest');
    const { models } = findModels(ollama);
    expect(models.map(({ name }) => name)).toEqual([
      'hf.co/owner/starter-GGUF:Q8_0',
      'starter:latest',
      'them/tuned:1b',
    ]);
    expect(models[1]).toMatchObject({ path: blob, form: 'GGUF, Q8_0', family: 'llama', problem: null });
  });
});

describe('in folders of GGUF files', () => {
  it('LM Studio: publisher and name; llama.cpp: names of files; projectors and parts aside', async () => {
    const made = path.join(temporaryFolder(), 'made.gguf');
    await writeStarterGguf(made);
    const [studio, cpp] = [place('LM Studio'), place('llama.cpp')];
    const own = write(fs.readFileSync(made), studio.dir, 'them', 'M-GGUF', 'm-Q8_0.GGUF');
    write('x', studio.dir, 'them', 'M-GGUF', 'mmproj-m.gguf');
    write('x', studio.dir, 'them', 'Big-GGUF', 'big-00001-of-00002.gguf');
    fs.cpSync(MODEL, path.join(studio.dir, 'mlx-community', 'starter'), { recursive: true });
    const flat = write(fs.readFileSync(made), cpp.dir, 'them_m-GGUF_m-Q8_0.gguf');
    write('{}', cpp.dir, 'them_m-GGUF_m-Q8_0.gguf.json');
    expect(findModels(studio).models).toMatchObject([
      { name: 'm-Q8_0', path: own, family: 'llama', problem: null },
      { name: 'mlx-community/starter', path: path.join(studio.dir, 'mlx-community', 'starter'), family: 'llama' },
    ]);
    expect(findModels(cpp).models).toMatchObject([{ name: 'them_m-GGUF_m-Q8_0', path: flat, family: 'llama' }]);
  });

  it('a file that is none of them is told, not passed over', () => {
    const folder = place('Folder');
    write('GGUF and then nothing that it should be, for a while', folder.dir, 'bad.gguf');
    expect(findModels(folder).models).toMatchObject([
      { name: 'bad', form: 'GGUF', family: null, problem: expect.stringContaining('bad.gguf') as string },
    ]);
  });
});

describe('in a folder that the user has named', () => {
  it('every model below is found once, whatever links lead in circles', () => {
    const folder = place('Folder');
    const dir = path.join(folder.dir, 'deep', 'er', 'starter');
    fs.cpSync(MODEL, dir, { recursive: true });
    linkTo('..', folder.dir, 'deep', 'up');
    linkTo(folder.dir, folder.dir, 'deep', 'er', 'top');
    linkTo('self', folder.dir, 'self');
    linkTo('/nowhere/at/all', folder.dir, 'gone');
    const { models, problem } = findModels(folder);
    expect(models).toMatchObject([{ name: 'deep/er/starter', path: dir, family: 'llama' }]);
    expect(problem).toBeNull();
  });

  it('more than can be looked at is said to be more', () => {
    const folder = place('Folder');
    for (let i = 0; i < 205; i++) write('GGUF', folder.dir, `m${i}.gguf`);
    const { models, problem } = findModels(folder);
    expect(models).toHaveLength(200);
    expect(problem).toMatch(/holds too much to look at all of it/);
  });

  it('one that is gone, or no folder, is said to be', () => {
    const dir = temporaryFolder();
    expect(findModels(place('Folder', path.join(dir, 'gone'))).problem).toMatch(/is not there any more/);
    expect(findModels(place('Folder', write('x', dir, 'file'))).problem).toMatch(/cannot be read; check that it is/);
    expect(findModels(place('Ollama', path.join(dir, 'gone')))).toMatchObject({ models: [], problem: null });
  });

  // Root may read whatever it likes.
  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('one that may not be read is named', () => {
    const folder = place('Folder');
    const locked = path.join(folder.dir, 'locked');
    fs.cpSync(MODEL, path.join(folder.dir, 'starter'), { recursive: true });
    fs.mkdirSync(locked, { mode: 0 });
    onTestFinished(() => fs.chmodSync(locked, 0o700));
    const { models, problem } = findModels(folder);
    expect(models).toHaveLength(1);
    expect(problem).toMatch(`1 folder in ${folder.dir} cannot be read, first ${locked}`);
  });
});

it('a place that does not answer in time is told, and the others are looked at', async () => {
  const [late, good] = [place('Folder'), place('Folder')];
  fs.cpSync(MODEL, path.join(good.dir, 'starter'), { recursive: true });
  expect(await lookForModels([late], 0)).toMatchObject([
    { models: [], problem: expect.stringContaining(late.dir) as string },
  ]);
  expect(await lookForModels([late, good])).toMatchObject([{ dir: good.dir, models: [{ family: 'llama' }] }]);
});

describe('the places', () => {
  const dirsOf = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform, name: PlaceName): string[] =>
    modelPlaces([], { env, home: '/home/me', platform }).flatMap((one) => (one.name === name ? [one.dir] : []));

  it('are those of the environment, then the usual ones, each once', () => {
    expect(dirsOf({}, 'linux', 'Hugging Face')).toEqual(['/home/me/.cache/huggingface/hub']);
    expect(dirsOf({ HF_HOME: '/hf' }, 'linux', 'Hugging Face')).toEqual(['/hf/hub', '/home/me/.cache/huggingface/hub']);
    expect(dirsOf({ HF_HUB_CACHE: '/c' }, 'linux', 'Hugging Face')[0]).toBe('/c');
    expect(dirsOf({ OLLAMA_MODELS: '/o' }, 'darwin', 'Ollama')).toEqual(['/o', '/home/me/.ollama/models']);
    expect(dirsOf({}, 'linux', 'Ollama')).toContain('/usr/share/ollama/.ollama/models');
    expect(dirsOf({}, 'linux', 'llama.cpp')).toEqual(['/home/me/.cache/llama.cpp']);
    expect(dirsOf({}, 'darwin', 'llama.cpp')).toEqual(['/home/me/Library/Caches/llama.cpp']);
    expect(dirsOf({ LOCALAPPDATA: '/local' }, 'win32', 'llama.cpp')).toEqual([path.join('/local', 'llama.cpp')]);
    expect(dirsOf({}, 'linux', 'LM Studio')).toHaveLength(2);
  });
});
