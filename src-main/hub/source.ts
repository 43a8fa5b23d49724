/** How a user names what lies on the hub: `hf:OWNER/NAME[/FILE.gguf][@REVISION]`, or the address of its page. */
import { usageError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';

export interface HubSource {
  /** `OWNER/NAME`. */
  repository: string;
  /** Branch, tag or commit. */
  revision: string;
  /** Path of one GGUF file in the repository. */
  file: string | undefined;
}

const DEFAULT_REVISION = 'main';
/** What the hub allows in an owner or a name; `--` stands for the slash in names of folders. */
const PART = /^(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;
const REVISION = /^(?!.*(?:\.\.|\/\/|\.lock$))[\w][\w./-]{0,199}$/;
const ADDRESS = /^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\//i;

/** Throws a usage error HUB_SOURCE. */
export function readSource(text: string): HubSource {
  const source = sourceNamed(text);
  if (source) return source;
  throw usageError(
    'HUB_SOURCE',
    `${shownValue(text)} names no model on Hugging Face; write hf:OWNER/NAME, hf:OWNER/NAME@REVISION or ` +
      'hf:OWNER/NAME/FILE.gguf.',
    { source: text },
  );
}

/** The same; undefined where the text has another form. */
export function sourceNamed(text: string): HubSource | undefined {
  const wanted = text.trim();
  if (ADDRESS.test(wanted)) return fromAddress(wanted.replace(ADDRESS, '').replace(/[?#].*$/, ''));
  const bare = wanted.replace(/^hf:(?:\/\/)?/i, '');
  const at = bare.indexOf('@');
  const [owner, name, ...file] = (at < 0 ? bare : bare.slice(0, at)).split('/');
  return checked(owner, name, at < 0 ? undefined : bare.slice(at + 1), file);
}

/** `OWNER/NAME/tree/REVISION`, `OWNER/NAME/blob/REVISION/FILE.gguf`: what a browser shows. */
function fromAddress(path: string): HubSource | undefined {
  const [owner, name, view, revision, ...file] = path
    .replace(/^models\//, '')
    .replace(/\/+$/, '')
    .split('/');
  if (view === undefined) return checked(owner, name, undefined, []);
  if (!['tree', 'blob', 'resolve'].includes(view)) return undefined;
  return checked(owner, name, revision, view === 'tree' ? [] : file);
}

function checked(
  owner: string | undefined,
  name: string | undefined,
  revision: string | undefined,
  file: string[],
): HubSource | undefined {
  if (!owner || !name || !PART.test(owner) || !PART.test(name)) return undefined;
  if (revision !== undefined && !REVISION.test(revision)) return undefined;
  const joined = file.join('/');
  if (file.length > 0 && (!/\.gguf$/i.test(joined) || !isSafePath(joined))) return undefined;
  return {
    repository: `${owner}/${name}`,
    revision: revision ?? DEFAULT_REVISION,
    file: file.length > 0 ? joined : undefined,
  };
}

/** As it is typed. */
export function sourceText({ repository, revision, file }: HubSource): string {
  const at = revision === DEFAULT_REVISION ? '' : `@${revision}`;
  return `hf:${repository}${file === undefined ? '' : `/${file}`}${at}`;
}

/** Whether a path of a repository stays in its folder on every system, and is a name that people can read. */
export function isSafePath(name: string): boolean {
  if (name.length > 400 || /[\\:*?"<>|\p{Cc}\p{Cf}]/u.test(name)) return false;
  return name.split('/').every((part) => part !== '' && part.length <= 200 && !/^\.+$|^\s|[\s.]$/.test(part));
}
