/** What the hub's refusals mean for the user: a sentence each. What the server itself writes is never repeated. */
import { GraftError } from '../../src-shared/errors.ts';

/** What a request is about. */
export interface Asked {
  /** `OWNER/NAME`. */
  repository: string;
  revision: string;
  /** For sentences: `OWNER/NAME`, or a file of it. */
  what: string;
  /** Whether something is sent there, which needs another right. */
  sends?: boolean;
}

const LOGIN = '"graft hub login" (or the Models page)';

export function refusalOf(
  answer: Pick<Response, 'status' | 'headers'>,
  asked: Asked,
  { endpoint, hasToken }: { endpoint: string; hasToken: boolean },
): GraftError {
  const { status } = answer;
  const code = answer.headers.get('x-error-code');
  const details = { status, repository: asked.repository };
  const page = `${endpoint}/${asked.repository}`;
  const { host } = new URL(endpoint);
  if (code === 'GatedRepo')
    return new GraftError('HUB_GATED', gated(asked.repository, page, hasToken), { ...details, page, hasToken });
  if (code === 'RevisionNotFound')
    return new GraftError(
      'HUB_NOT_FOUND',
      `${asked.repository} has no revision ${asked.revision}; ${page} lists its branches and tags.`,
      details,
    );
  if (code === 'EntryNotFound')
    return new GraftError('HUB_NOT_FOUND', `${asked.what} is not there; ${page} lists the files.`, details);
  if (status === 401 && hasToken && code !== 'RepoNotFound')
    return new GraftError(
      'HUB_TOKEN',
      `${host} does not accept your token; make a new one on ${endpoint}/settings/tokens and store it with ${LOGIN}.`,
      details,
    );
  if (status === 403 && asked.sends)
    return new GraftError(
      'HUB_REFUSED',
      `${host} does not let your token write to ${asked.repository}; make one with the right to write on ` +
        `${endpoint}/settings/tokens, and check the name of the owner.`,
      details,
    );
  if (status === 401 && asked.sends)
    return new GraftError(
      'HUB_TOKEN',
      `${host} wants a token; make one with the right to write, and store it with ${LOGIN}.`,
      details,
    );
  if (status === 401 || status === 404)
    return new GraftError(
      'HUB_NOT_FOUND',
      `${host} has no model ${asked.repository}, or it is private; check the name` +
        (hasToken ? ', and that the account of your token may see it.' : `, or store a token with ${LOGIN}.`),
      details,
    );
  if (status === 403)
    return new GraftError(
      'HUB_REFUSED',
      `${host} refuses ${asked.what}; see ${page} for what it asks, and check the rights of your token.`,
      details,
    );
  return new GraftError(
    'HUB_ANSWER',
    `${host} answered ${status} when asked for ${asked.what}; try again later, or look at ${page}.`,
    details,
  );
}

function gated(repository: string, page: string, hasToken: boolean): string {
  return hasToken
    ? `${repository} is gated and the account of your token has no access yet; accept the licence on ${page}, wait ` +
        'until access is granted, then try again.'
    : `${repository} is gated; accept the licence on ${page}, then store a token of that account with ${LOGIN}.`;
}

export function unreachable(endpoint: string, asked: Asked, cause: Error): GraftError {
  const { host } = new URL(endpoint);
  return new GraftError(
    'HUB_UNREACHABLE',
    `${asked.what} could not be ${asked.sends ? 'sent to' : 'fetched from'} ${host} (${cause.message}); check the ` +
      `network, then start it again${asked.sends ? '' : ': it goes on where it was'}.`,
    { endpoint, repository: asked.repository },
    { cause },
  );
}
