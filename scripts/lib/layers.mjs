/** Checks imports against a table of layers (layers.config.mjs) and finds circles. Knows nothing of files on a disk. */
import path from 'node:path';

/** @typedef {import('./imports.mjs').Import} Import */
/** @typedef {{ imports?: string[], types?: string[], packages?: string[] }} Rule */
/** @typedef {{ folder: string, deep: boolean, rule: Rule }} Layer a rule, its folder, and whether all below is meant */

/**
 * One sentence for every import that no rule allows, for every file without a rule, and for every circle.
 * @param {Record<string, Rule>} table
 * @param {Map<string, Import[]>} files each file's path from the root, with `/`, and its imports
 * @returns {string[]}
 */
export function layerProblems(table, files) {
  const rows = Object.entries(table).map(([key, rule]) => ({ fits: pattern(key), rule }));
  const problems = [];
  for (const [file, imports] of files) {
    const layer = layerOf(rows, file);
    if (!layer) problems.push(`${file}: no row of layers.config.mjs fits it; add one for its folder.`);
    else
      for (const found of imports)
        if (!isAllowed(layer, file, found))
          problems.push(`${file}:${found.line}: ${layer.folder || 'the root'} may not import ${told(file, found)}.`);
  }
  return [...problems, ...circles(files).map((circle) => `circle: ${circle.join(' -> ')}`)];
}

/**
 * A key as two expressions: what fits it, and the folder before its `**` or its file name, which names the layer.
 * @param {string} key
 * @returns {{ whole: RegExp, folder: RegExp, deep: boolean }}
 */
function pattern(key) {
  const segments = key.split('/');
  const deep = segments.indexOf('**');
  const folder = segments.slice(0, deep === -1 ? -1 : deep).map(expression);
  const file = segments.slice(folder.length + (deep === -1 ? 0 : 1)).map(expression);
  const whole = [...folder, deep === -1 ? '' : '(?:[^/]+/)*'].join('/').replace(/^\//, '') + (file[0] ?? '[^/]+');
  return { whole: new RegExp(`^${whole}$`), folder: new RegExp(`^${folder.join('/')}`), deep: deep !== -1 };
}

/** @param {string} segment */
function expression(segment) {
  return segment.replace(/\./g, '\\.').replace(/\*/g, '[^/]*');
}

/**
 * @param {{ fits: ReturnType<typeof pattern>, rule: Rule }[]} rows
 * @param {string} file
 * @returns {Layer | undefined}
 */
function layerOf(rows, file) {
  const row = rows.find(({ fits }) => fits.whole.test(file));
  return row && { folder: row.fits.folder.exec(file)?.[0] ?? '', deep: row.fits.deep, rule: row.rule };
}

/** @param {Layer} layer @param {string} file @param {Import} found */
function isAllowed({ folder, deep, rule }, file, { name, typeOnly }) {
  if (!name.startsWith('.')) return (rule.packages ?? []).includes(packageOf(name));
  const target = resolved(file, name);
  if (deep ? isIn(target, folder) : path.posix.dirname(target) === (folder || '.')) return true;
  return [...(rule.imports ?? []), ...(typeOnly ? (rule.types ?? []) : [])].some((place) => isIn(target, place));
}

/** @param {string} target @param {string} place a folder or a file */
function isIn(target, place) {
  return target === place || target.startsWith(`${place}/`);
}

/** @param {string} file @param {string} name */
function resolved(file, name) {
  return path.posix.join(path.posix.dirname(file), name.replace(/\?.*$/, ''));
}

/** The package of a module's name: `node` for Node's own. @param {string} name */
function packageOf(name) {
  if (name.startsWith('node:')) return 'node';
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

/** @param {string} file @param {Import} found */
function told(file, { name, typeOnly }) {
  const target = name.startsWith('.') ? resolved(file, name) : name;
  return typeOnly ? `the types of ${target}` : target;
}

/**
 * The circles of imports, types included: one for each set of files that all reach each other, the shortest through
 * its first file.
 * @param {Map<string, Import[]>} files
 * @returns {string[][]}
 */
export function circles(files) {
  const next = new Map(
    [...files].map(([file, imports]) => [
      file,
      imports
        .filter(({ name }) => name.startsWith('.'))
        .map(({ name }) => resolved(file, name))
        .filter((target) => files.has(target)),
    ]),
  );
  const found = [];
  const told = new Set();
  for (const file of files.keys()) {
    const circle = told.has(file) ? undefined : shortestCircle(file, next);
    if (!circle) continue;
    for (const member of circle) told.add(member);
    found.push(circle);
  }
  return found;
}

/**
 * Breadth first from a file back to itself.
 * @param {string} start
 * @param {Map<string, string[]>} next
 */
function shortestCircle(start, next) {
  /** @type {Map<string, string>} */
  const from = new Map();
  const queue = [start];
  for (const file of queue)
    for (const target of next.get(file) ?? []) {
      if (target === start) return [...wayTo(file, start, from), start];
      if (from.has(target)) continue;
      from.set(target, file);
      queue.push(target);
    }
  return undefined;
}

/** @param {string} file @param {string} start @param {Map<string, string>} from */
function wayTo(file, start, from) {
  const way = [file];
  for (let at = file; at !== start;) {
    at = from.get(at) ?? start;
    way.unshift(at);
  }
  return way;
}
