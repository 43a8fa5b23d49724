/** The bundled packages with their licences, as THIRD-PARTY-NOTICES.md lists them. */
import fs from 'node:fs';

export interface Notice {
  name: string;
  version: string;
  licence: string;
  /** Used only to build and test Graft. */
  dev: boolean;
}

/** The rows of its three tables; none where this copy of Graft lacks the file. */
export function readNotices(file: string): Notice[] {
  if (!fs.existsSync(file)) return [];
  let dev = false;
  const notices: Notice[] = [];
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('## ')) dev = /build and test/.test(line);
    const [name, version, licence] = line.startsWith('| ')
      ? line
          .split('|')
          .slice(1)
          .map((cell) => cell.trim())
      : [];
    if (
      !name ||
      version === undefined ||
      licence === undefined ||
      name === 'package' ||
      name === 'library' ||
      /^-+$/.test(name)
    )
      continue;
    notices.push({ name, version, licence, dev });
  }
  return notices;
}
