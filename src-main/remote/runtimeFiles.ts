/**
 * What of Graft a machine needs to train a run: the bundle, and of the packages outside it the files that Node opens.
 * Those of CommonJS packages are found by following their `require`s from the entry; packages of ES modules are taken
 * whole. Native libraries come along, for this system alone.
 */
import fs from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import path from 'node:path';

export interface RuntimeFile {
  /** Below the folder of the runtime, with `/`. */
  place: string;
  /** Here; may be a link. */
  source: string;
}

/** Packages that the bundle of a job asks for by name. */
const PACKAGES = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-node-gpu',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-backend-webgpu',
  'webgpu',
  'koffi',
  '@huggingface/gguf',
];
const BESIDE = ['package.json', 'LICENSE', 'THIRD-PARTY-NOTICES.md'];
/** A Node that is one file; those of distributions are smaller, and lie in libraries of their system. */
const WHOLE_NODE_BYTES = 60e6;

const NATIVE = /\.(node|wasm|dll|dylib|so(\.\d+)*)$/;
const NOT_RUN = /\.(map|md|d\.[cm]?ts|[cm]?ts|c|cc|cpp|h|hh|gyp)$/;
const FOLDERS_NOT_RUN = new Set(['node_modules', 'doc', 'docs', 'test', 'tests', 'vendor', '.git']);
const REQUIRED = /\brequire\(\s*(["'])([^"'\n]+)\1\s*\)/g;

interface PackageJson {
  type?: string;
  exports?: unknown;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** `root`: Graft's own folder, which holds `out/main` and, in it or above, `node_modules`. */
export function runtimeFiles(root: string): RuntimeFile[] {
  const bundle = path.join(root, 'out/main');
  const files = new Map<string, string>();
  for (const name of fs.readdirSync(bundle)) files.set(`out/main/${name}`, path.join(bundle, name));
  for (const name of BESIDE) if (fs.existsSync(path.join(root, name))) files.set(name, path.join(root, name));
  if (isWholeNode(process.execPath)) files.set('bin/node', process.execPath);
  for (const file of new PackageFiles().add(PACKAGES, root)) files.set(placeOf(file), file);
  return [...files].map(([place, source]) => ({ place, source })).sort((a, b) => (a.place < b.place ? -1 : 1));
}

function isWholeNode(program: string): boolean {
  return process.versions['electron'] === undefined && fs.statSync(program).size > WHOLE_NODE_BYTES;
}

function placeOf(file: string): string {
  const parts = file.split(path.sep);
  return parts.slice(parts.indexOf('node_modules')).join('/');
}

class PackageFiles {
  readonly #files = new Set<string>();
  readonly #packages = new Set<string>();

  /** The packages of these names as `from` sees them, and what they need. */
  add(names: readonly string[], from: string): ReadonlySet<string> {
    for (const name of names) {
      const folder = packageFolder(name, from);
      if (folder !== undefined) this.#addPackage(folder);
    }
    return this.#files;
  }

  #addPackage(folder: string): void {
    if (this.#packages.has(folder)) return;
    this.#packages.add(folder);
    const manifest = path.join(folder, 'package.json');
    this.#files.add(manifest);
    for (const file of filesIn(folder, (name) => NATIVE.test(name))) this.#files.add(file);
    const { type, exports, ...needs } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as PackageJson;
    if (type === 'module' || exports !== undefined) {
      for (const file of filesIn(folder, (name) => !NOT_RUN.test(name) && !NATIVE.test(name))) this.#files.add(file);
      this.add(Object.keys({ ...needs.dependencies, ...needs.optionalDependencies }), folder);
    } else this.#follow(resolved('.', manifest));
  }

  /** A file of a CommonJS package, and all that it requires by a name that stands in it. */
  #follow(file: string | undefined): void {
    if (file === undefined || this.#files.has(file)) return;
    this.#files.add(file);
    if (!/\.c?js$/.test(file)) return;
    for (const [, , name = ''] of fs.readFileSync(file, 'utf8').matchAll(REQUIRED)) {
      if (isBuiltin(name)) continue;
      if (name.startsWith('.')) this.#follow(resolved(name, file));
      else {
        const [scope = '', own = ''] = name.split('/');
        this.add([name.startsWith('@') ? `${scope}/${own}` : scope], path.dirname(file));
        // A file below the package; its entry has been followed.
        if (!this.#files.has(resolved(name, file) ?? '')) this.#follow(resolved(name, file));
      }
    }
  }
}

/** Undefined where it is not installed, as optional parts may not be. */
function resolved(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined;
  }
}

function packageFolder(name: string, from: string): string | undefined {
  const folder = path.join(from, 'node_modules', name);
  if (fs.existsSync(path.join(folder, 'package.json'))) return fs.realpathSync(folder);
  return path.dirname(from) === from ? undefined : packageFolder(name, path.dirname(from));
}

/** Files below a package by their names; of other systems' libraries, and of second names of a library, none. */
function filesIn(folder: string, wanted: (name: string) => boolean): string[] {
  const names = fs.readdirSync(folder).filter((name) => !FOLDERS_NOT_RUN.has(name) && !isForeign(name));
  const real = new Map<string, string>();
  const found: string[] = [];
  for (const name of names) {
    const file = path.join(folder, name);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat?.isDirectory()) found.push(...filesIn(file, wanted));
    else if (stat?.isFile() && wanted(name)) {
      const other = real.get(fs.realpathSync(file));
      if (other === undefined || /\.so\.\d+$/.test(name)) real.set(fs.realpathSync(file), file);
    }
  }
  return [...found, ...real.values()];
}

/** A folder as `win32-arm64`, of a system that is not this one. */
function isForeign(name: string): boolean {
  const [, platform, arch] = /^(linux|darwin|win32|freebsd|openbsd|musl)[-_](\w+)$/.exec(name) ?? [];
  if (platform === undefined) return false;
  return platform !== process.platform || (arch !== process.arch && arch !== 'universal');
}
