/** The text of THIRD-PARTY-NOTICES.md, from package-lock.json, so that it is the same on every platform. */

/** What comes inside a package or is fetched beside them. */
const NATIVE = [
  [
    'libtensorflow (with its own notices in deps/THIRD_PARTY_TF_C_LICENSES)',
    '2.9.1 or 1.15.0',
    'Apache-2.0',
    'https://www.tensorflow.org',
  ],
  ['Dawn and Tint, in the package webgpu', 'as in webgpu', 'BSD-3-Clause', 'https://dawn.googlesource.com/dawn'],
  ['SQLite, in the package better-sqlite3', 'as in better-sqlite3', 'public domain', 'https://www.sqlite.org'],
  [
    'Chromium and Node.js, in Electron',
    'as in Electron',
    'BSD-3-Clause and others (LICENSES.chromium.html in its folder)',
    'https://www.electronjs.org',
  ],
];
/**
 * Packages whose lock entry names no licence; as their LICENSE file says.
 * @type {Record<string, string>}
 */
const KNOWN = { 'svelte-toolbelt': 'MIT' };

/**
 * @param {Record<string, { version?: string, license?: string, dev?: boolean, extraneous?: boolean }>} packages of
 * package-lock.json
 * @returns {string}
 */
export function noticesText(packages) {
  const installed = Object.entries(packages).filter(([place, entry]) => place !== '' && !entry.extraneous);
  const entries = installed.map(([place, entry]) => {
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const license = entry.license ?? KNOWN[name];
    if (!license) throw new Error(`${name} names no licence; look it up and add it to scripts/lib/notices.mjs.`);
    return { name, version: entry.version ?? '', license, dev: entry.dev === true };
  });
  const table = (/** @type {boolean} */ dev) => {
    const rows = entries
      .filter((entry) => entry.dev === dev)
      .map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
    return ['| package | version | licence |', '| --- | --- | --- |', ...[...new Set(rows)].sort()].join('\n');
  };
  const native = NATIVE.map((row) => `| ${row.join(' | ')} |`).join('\n');
  return `# Third-party notices

Graft (MIT, see LICENSE) is built on the work below. Each package carries its licence text in its own
folder of node_modules. This file is written by \`node scripts/notices.mjs\`; do not edit it.

## Native libraries

| library | version | licence | home |
| --- | --- | --- | --- |
${native}

## Packages that Graft runs on

${table(false)}

## Packages used to build and test

${table(true)}
`;
}
