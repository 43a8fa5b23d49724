/**
 * A server that answers as Hugging Face's hub does, with a second one, on another port, as the store of large files.
 * Faults are set per file. What comes in is kept, so that tests can see what was sent, and to whom.
 */
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { bodyOf, entryOf, gitSha1, json, LARGE_BYTES, portOf, refuse, send, sha1, sha256 } from './hubAnswers.ts';

/** What goes wrong with one file, or with the repository. */
export interface HubFaults {
  /** File name -> how many answers are cut, each after half of what it should bring. */
  cut?: Record<string, number>;
  /** File names whose bytes are not those of the listing. */
  wrongBytes?: string[];
  /** File name -> Content-Length that is announced instead of the real one. */
  announced?: Record<string, number>;
  /** File names of which the store begins anew, whatever range is asked for. */
  noRanges?: string[];
  /** Milliseconds before each piece of 64 KiB. */
  slowMs?: number;
  /** Answers 503 so many times to anything. */
  ill?: number;
  /** Never answers. */
  mute?: boolean;
  /** Every file redirects to itself. */
  endless?: boolean;
  /** Names that the listing adds. */
  extraNames?: string[];
  /** Pages of so many files. */
  pageSize?: number;
  /** The files of a gated repository are not even listed without access. */
  closedListing?: boolean;
  /** The listing's next page is on the store's host. */
  strangePages?: boolean;
}

export interface HubRequest {
  host: 'hub' | 'store';
  method: string;
  url: string;
  authorization: string | undefined;
  range: string | undefined;
}

interface Repository {
  commit: string;
  files: Map<string, Buffer>;
  licence?: string;
  gated?: boolean;
}

export class FakeHub {
  readonly requests: HubRequest[] = [];
  faults: HubFaults = {};
  /** The one token that is known, and whether its account has access to gated repositories. */
  token = 'hf_testtoken0123456789';
  hasAccess = true;
  /** What was pushed: repository -> file -> content. */
  readonly pushed = new Map<string, Map<string, Buffer>>();
  readonly created: { name: string; organization: string; visibility: string | undefined }[] = [];
  #repositories = new Map<string, Repository>();
  #blobs = new Map<string, Buffer>();
  #hub = http.createServer((request, response) => void this.#answer(request, response));
  #store = http.createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub();
    for (const server of [hub.#hub, hub.#store])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return hub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${portOf(this.#hub)}`;
  }

  get store(): string {
    return `http://localhost:${portOf(this.#store)}`;
  }

  /** A repository with the files of a folder; its commit is made from them. */
  add(name: string, dir: string, options: { licence?: string; gated?: boolean } = {}): string {
    const files = new Map(
      fs
        .readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .map((file) => [path.relative(dir, file).split(path.sep).join('/'), fs.readFileSync(file)]),
    );
    const commit = createHash('sha1')
      .update(name)
      .update(Buffer.concat([...files.values()]))
      .digest('hex');
    this.#repositories.set(name, { commit, files, ...options });
    for (const content of files.values()) this.#blobs.set(sha256(content), content);
    return commit;
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.#note('hub', request);
    if (this.faults.mute) return;
    if ((this.faults.ill ?? 0) > 0) {
      this.faults.ill!--;
      response.writeHead(503).end('ill');
      return;
    }
    const url = new URL(request.url ?? '/', this.endpoint);
    const parts = url.pathname.slice(1).split('/').map(decodeURIComponent);
    if (request.method === 'POST') return this.#receive(request, response, parts);
    const name = parts[0] === 'api' ? `${parts[2]}/${parts[3]}` : `${parts[0]}/${parts[1]}`;
    const repository = this.#repositories.get(name);
    const known = request.headers.authorization === `Bearer ${this.token}`;
    if (request.headers.authorization !== undefined && !known) return refuse(response, 401, undefined);
    if (!repository) return refuse(response, known ? 404 : 401, 'RepoNotFound');
    if (parts[0] === 'api' && parts[4] === 'revision') return this.#info(response, name, repository, parts[5]);
    if (parts[0] === 'api' && parts[4] === 'tree' && !(this.faults.closedListing && repository.gated && !known))
      return this.#tree(response, url, repository, parts.slice(6).join('/'));
    if (repository.gated && !known) return refuse(response, 401, 'GatedRepo');
    if (repository.gated && !this.hasAccess) return refuse(response, 403, 'GatedRepo');
    return this.#resolve(request, response, repository, parts.slice(4).join('/'));
  }

  #info(response: http.ServerResponse, name: string, repository: Repository, revision: string | undefined): void {
    const { commit, licence, gated, files } = repository;
    if (revision !== 'main' && revision !== 'HEAD' && revision !== commit)
      return refuse(response, 404, 'RevisionNotFound');
    json(response, {
      _id: '0123456789abcdef01234567',
      id: name,
      private: false,
      gated: gated ? 'manual' : false,
      sha: commit,
      cardData: licence === undefined ? {} : { license: licence },
      lastModified: '2026-01-01T00:00:00.000Z',
      siblings: [...files.keys()].map((rfilename) => ({ rfilename })),
    });
  }

  #tree(response: http.ServerResponse, url: URL, { files }: Repository, folder: string): void {
    const recursive = url.searchParams.get('recursive') === 'true';
    const inFolder = [...files].filter(([name]) => folder === '' || name.startsWith(`${folder}/`));
    const depth = folder === '' ? 1 : folder.split('/').length + 1;
    const entries = inFolder
      .filter(([name]) => recursive || name.split('/').length === depth)
      .map(([name, content]) => entryOf(name, content));
    const folders = new Set(
      inFolder
        .map(([name]) => name.split('/'))
        .filter((parts) => parts.length > depth)
        .map((parts) => parts.slice(0, depth).join('/')),
    );
    const all = [
      ...(recursive
        ? []
        : [...folders].map((at) => ({ type: 'directory', oid: gitSha1(Buffer.from(at)), size: 0, path: at }))),
      ...entries,
      ...(this.faults.extraNames ?? []).map((name) => entryOf(name, Buffer.from('x'))),
    ];
    const { pageSize = all.length, strangePages } = this.faults;
    const from = Number(url.searchParams.get('cursor') ?? 0);
    if (from + pageSize < all.length) {
      const next = new URL(url.pathname + url.search, strangePages ? this.store : this.endpoint);
      next.searchParams.set('cursor', String(from + pageSize));
      response.setHeader('link', `<${next.href}>; rel="next"`);
    }
    json(response, all.slice(from, from + pageSize));
  }

  #resolve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    { commit, files }: Repository,
    name: string,
  ): void {
    const content = files.get(name);
    if (!content) return refuse(response, 404, 'EntryNotFound');
    response.setHeader('x-repo-commit', commit);
    if (this.faults.endless) {
      response.writeHead(302, { location: request.url }).end();
      return;
    }
    if (content.length < LARGE_BYTES) {
      response.setHeader('etag', `"${gitSha1(content)}"`);
      return this.#send(request, response, name, content);
    }
    const hash = sha256(content);
    response.writeHead(302, {
      location: `${this.store}/${hash}?name=${encodeURIComponent(name)}&signature=${randomBytes(4).toString('hex')}`,
      'x-linked-etag': `"${hash}"`,
      'x-linked-size': String(content.length),
      // As for repositories whose files lie in Xet's store too; who does not know it follows the redirect.
      'x-xet-hash': hash,
      link: `<${this.endpoint}/api/xet-read-token>; rel="xet-auth"`,
    });
    response.end();
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.#note('store', request);
    const url = new URL(request.url ?? '/', this.store);
    const hash = url.pathname.split('/').at(-1)!;
    if (request.method === 'PUT') {
      const content = await bodyOf(request);
      this.#blobs.set(sha256(content), content);
      response.writeHead(sha256(content) === hash ? 200 : 400, { etag: '"1"' }).end();
      return;
    }
    const content = this.#blobs.get(hash);
    if (content) return this.#send(request, response, url.searchParams.get('name') ?? '', content);
    response.writeHead(404).end();
  }

  #send(request: http.IncomingMessage, response: http.ServerResponse, name: string, content: Buffer): void {
    const { cut = {}, wrongBytes = [], announced = {}, noRanges = [], slowMs = 0 } = this.faults;
    const bytes = wrongBytes.includes(name) ? Buffer.from(content).fill(1, content.length - 1) : content;
    const [, start = '0'] = (!noRanges.includes(name) && /^bytes=(\d+)-/.exec(request.headers.range ?? '')) || [];
    const from = Number(start);
    if (from > 0 && from >= bytes.length) {
      response.writeHead(416).end();
      return;
    }
    const rest = bytes.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'accept-ranges': 'bytes',
      'content-length': announced[name] ?? rest.length,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    response.flushHeaders();
    const isCut = (cut[name] ?? 0) > 0;
    if (isCut) cut[name]!--;
    void send(response, isCut ? rest.subarray(0, rest.length >> 1) : rest, slowMs).then(() =>
      isCut ? response.destroy() : response.end(),
    );
  }

  /** What a push sends: the new repository, which files are large, where they go, the commit. */
  async #receive(request: http.IncomingMessage, response: http.ServerResponse, parts: string[]): Promise<void> {
    const body = (await bodyOf(request)).toString();
    if (request.headers.authorization !== `Bearer ${this.token}`) return refuse(response, 401, undefined);
    if (!this.hasAccess) return refuse(response, 403, undefined);
    const [, , owner, name, action] = parts;
    if (parts[1] === 'repos') return this.#create(response, JSON.parse(body));
    if (action === 'preupload') {
      const { files } = JSON.parse(body) as { files: { path: string; size: number }[] };
      const modes = files.map(({ path: file, size }) => ({
        path: file,
        uploadMode: size < LARGE_BYTES ? 'regular' : 'lfs',
        shouldIgnore: false,
      }));
      return json(response, { files: modes });
    }
    if (action === 'commit') return this.#commit(response, `${owner}/${name}`, body);
    if (parts.at(-1) !== 'batch') return json(response, {});
    const { objects } = JSON.parse(body) as { objects: { oid: string; size: number }[] };
    json(response, {
      transfer: 'basic',
      objects: objects.map((object) => ({
        ...object,
        actions: { upload: { href: `${this.store}/upload/${object.oid}` } },
      })),
    });
  }

  #create(response: http.ServerResponse, asked: { name: string; organization: string; visibility?: string }): void {
    const { name, organization, visibility } = asked;
    const id = `${organization}/${name}`;
    if (this.pushed.has(id)) return refuse(response, 409, undefined);
    this.created.push({ name, organization, visibility });
    this.pushed.set(id, new Map());
    json(response, { url: `${this.endpoint}/${id}`, id, name: id });
  }

  #commit(response: http.ServerResponse, id: string, body: string): void {
    const files = this.pushed.get(id);
    if (!files) return refuse(response, 404, 'RepoNotFound');
    for (const line of body.split('\n').filter(Boolean)) {
      const { key, value } = JSON.parse(line) as { key: string; value: { path: string; content: string; oid: string } };
      if (key === 'file') files.set(value.path, Buffer.from(value.content, 'base64'));
      if (key === 'lfsFile') files.set(value.path, this.#blobs.get(value.oid)!);
    }
    const commitOid = sha1(body);
    json(response, {
      success: true,
      commitOid,
      commitUrl: `${this.endpoint}/${id}/commit/${commitOid}`,
      hookOutput: '',
    });
  }

  #note(host: HubRequest['host'], { method = '', url = '', headers }: http.IncomingMessage): void {
    this.requests.push({ host, method, url, authorization: headers.authorization, range: headers.range });
  }
}
