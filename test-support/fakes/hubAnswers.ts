/** How the fake hub lists, hashes, sends and receives. */
import { createHash } from 'node:crypto';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Files of this size and more are kept as LFS does. */
export const LARGE_BYTES = 1024;

export function entryOf(name: string, content: Buffer) {
  if (content.length < LARGE_BYTES) return { type: 'file', oid: gitSha1(content), size: content.length, path: name };
  const oid = sha256(content);
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
  return {
    type: 'file',
    oid: gitSha1(Buffer.from(pointer)),
    size: content.length,
    lfs: { oid, size: content.length, pointerSize: pointer.length },
    xetHash: oid,
    path: name,
  };
}

export async function send(response: http.ServerResponse, bytes: Buffer, slowMs: number): Promise<void> {
  const PIECE = 64 << 10;
  for (let at = 0; at < bytes.length; at += PIECE) {
    if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
    if (response.destroyed) return;
    await new Promise((resolve) => response.write(bytes.subarray(at, at + PIECE), resolve));
  }
}

export async function bodyOf(request: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export function refuse(response: http.ServerResponse, status: number, code: string | undefined): void {
  response.writeHead(status, { 'content-type': 'application/json', ...(code ? { 'x-error-code': code } : {}) });
  response.end(JSON.stringify({ error: 'What the server says is its own.' }));
}

export function json(response: http.ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function portOf(server: http.Server): number {
  return (server.address() as AddressInfo).port;
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/** As `git hash-object` does. */
export function gitSha1(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}
