/** Sends a folder's files to a repository of the hub as one commit; the repository is made where it is missing. */
import fs from 'node:fs';
import { GraftError } from '../../src-shared/errors.ts';
import { fetchFor, PATIENCE, type Connection, type Patience } from './connection.ts';

export interface PushedFile {
  /** Its path in the repository. */
  name: string;
  /** A file of the disk, or a text. */
  content: { file: string } | { text: string };
}

export interface PushOptions {
  endpoint: string;
  token: string;
  /** `OWNER/NAME`. */
  repository: string;
  /** Of a repository that is made; one that is there stays as it is. */
  isPrivate: boolean;
  title: string;
  files: PushedFile[];
  signal?: AbortSignal;
  patience?: Patience;
}

export interface PushResult {
  repository: string;
  /** The repository's page. */
  url: string;
  commit: string;
  /** False where it was there already. */
  isNew: boolean;
}

/** Throws HUB_*, CANCELLED. */
export async function pushFiles(options: PushOptions): Promise<PushResult> {
  const { endpoint, token, repository, title, signal, patience = PATIENCE } = options;
  const hub: Connection = {
    endpoint,
    token,
    signal,
    patience,
    asked: { repository, revision: 'main', what: repository, sends: true },
  };
  const { createRepo, uploadFiles } = await import('@huggingface/hub');
  const repo = { type: 'model' as const, name: repository };
  const common = { hubUrl: endpoint, repo, accessToken: token };
  const isNew = await createRepo({
    ...common,
    fetch: fetchFor(hub),
    visibility: options.isPrivate ? 'private' : 'public',
  }).then(() => true, wasThere);
  const files = await Promise.all(
    options.files.map(async ({ name, content }) => ({
      path: name,
      content: 'file' in content ? await fs.openAsBlob(content.file) : new Blob([content.text]),
    })),
  );
  const output = await uploadFiles({
    ...common,
    files,
    commitTitle: title,
    // Plain uploads to the store of large files: adapters are small, and this is one request per file.
    useXet: false,
    fetch: fetchFor(hub, { elsewhere: true }),
    ...(signal ? { abortSignal: signal } : {}),
  });
  return { repository, url: `${endpoint}/${repository}`, commit: output?.commit.oid ?? '', isNew };
}

function wasThere(error: unknown): false {
  if (error instanceof GraftError && error.details['status'] === 409) return false;
  throw error;
}
