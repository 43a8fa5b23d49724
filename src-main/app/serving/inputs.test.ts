import { expect, it } from 'vitest';
import { startServingSchema } from './inputs.ts';

it.each([
  ['a short key', { apiKey: 'short' }, 'apiKey'],
  ['a key that no header can carry', { apiKey: 'ein Schlüssel' }, 'apiKey'],
  ['no key where other machines can come', { host: '0.0.0.0', apiKey: null }, 'apiKey'],
  ['a name for an address', { host: 'example.com' }, 'host'],
  ['a port that is none', { port: 70_000 }, 'port'],
])('refuses %s', (_, input, field) => {
  expect(startServingSchema.safeParse(input).error!.issues[0]!.path).toEqual([field]);
});

it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('takes no key on %s', (host) => {
  expect(startServingSchema.safeParse({ host, apiKey: null }).success).toBe(true);
});
