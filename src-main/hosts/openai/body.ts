/** The body of a request as JSON, bounded in size and time. */
import type http from 'node:http';
import { badRequest } from './refusals.ts';

const MOST_BYTES = 1024 * 1024;

export async function readJson(req: http.IncomingMessage): Promise<unknown> {
  const type = req.headers['content-type'] ?? '';
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(type))
    throw badRequest('The body is not declared as "Content-Type: application/json"; send JSON.', null, null, 415);
  if (req.headers['content-encoding'] !== undefined)
    throw badRequest('The body is compressed; send it as it is.', null, null, 415);
  const text = (await readBytes(req)).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequest('The body is not valid JSON; check its quotes and commas.', null, 'invalid_json');
  }
}

/** Of a body that is too large no more is read than the bound. */
async function readBytes(req: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES)
      throw badRequest('The body is larger than 1 MiB; send a shorter prompt.', null, 'request_too_large', 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
