/**
 * The key of this browser's session with the web host. It arrives once, in the fragment of the address that a login
 * leads to, and stays in this origin's store: pages of other ports cannot read it. Electron needs none.
 */
import { SESSION_HEADER, SESSION_NAME } from '../../../src-shared/session.ts';

const ARRIVAL = `#${SESSION_NAME}=`;

if (location.hash.startsWith(ARRIVAL)) {
  localStorage.setItem(SESSION_NAME, location.hash.slice(ARRIVAL.length));
  history.replaceState(null, '', location.pathname);
}

/** Read anew each time: another tab may have begun another session. */
export function sessionKey(): string {
  return localStorage.getItem(SESSION_NAME) ?? '';
}

export function sessionHeaders(): Record<string, string> {
  return { [SESSION_HEADER]: sessionKey() };
}

/** `fetch`; where the session is over, the page makes room for the one that says how to get in. */
export async function fetchInSession(input: RequestInfo | URL | string, init?: RequestInit): Promise<Response> {
  const answer = await fetch(input, init);
  if (answer.status === 401) location.reload();
  return answer;
}

/** Ends every session, this one too. Throws when Graft does not answer. */
export async function signOutEverywhere(): Promise<void> {
  const answer = await fetch('/api/sign-out', { method: 'POST', headers: sessionHeaders() });
  if (!answer.ok && answer.status !== 401) throw new Error('Graft did not sign out; try again.');
  localStorage.removeItem(SESSION_NAME);
  location.reload();
}
