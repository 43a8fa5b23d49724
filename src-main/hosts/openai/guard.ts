/**
 * Who may ask: whoever has the key, from a program. A web page may not, whatever it knows: nothing allows its origin,
 * and a request that names one is refused. The name of the host is checked where only this machine can reach the
 * service, so that no page gets in by a name that it has pointed here.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../../app/serving/inputs.ts';
import { sameToken } from '../web/guard.ts';
import { badRequest } from './refusals.ts';

export interface Access {
  host: string;
  port: number;
  /** Null: nobody is asked for one. */
  apiKey: string | null;
}

/** Throws what the request is refused with. */
export function admit(headers: IncomingHttpHeaders, { host, port, apiKey }: Access): void {
  const names = ['127.0.0.1', 'localhost', '[::1]', bracketed(host)].map((name) => `${name}:${port}`);
  if (isLoopback(host) && !names.includes(headers.host ?? ''))
    throw badRequest(`This service answers only as http://${names[0]}; use that address.`, null, 'unknown_host', 403);
  if (headers.origin !== undefined || (headers['sec-fetch-site'] ?? 'none') !== 'none')
    throw badRequest(
      'This service answers programs, not web pages; ask from a server of yours.',
      null,
      'web_page',
      403,
    );
  if (apiKey === null) return;
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (given === undefined)
    throw badRequest(
      'There is no API key in this request; send the one that Graft shows as "Authorization: Bearer KEY".',
      null,
      'missing_api_key',
      401,
    );
  if (!sameToken(given, apiKey))
    throw badRequest(
      'The API key is not the one of this service; use the one that Graft shows.',
      null,
      'invalid_api_key',
      401,
    );
}

/** IPv6 addresses stand in brackets. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
