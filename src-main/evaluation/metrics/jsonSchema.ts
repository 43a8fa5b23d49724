/** Answers against a JSON schema, as zod reads it (drafts 4, 7 and 2020-12); its patterns run in the worker only. */
import { z } from 'zod';
import { usageError } from '../../../src-shared/errors.ts';
import { jsonOf } from './json.ts';

/** 1 where an answer is JSON that the schema allows, else 0. Throws a usage error BAD_INPUT for what is no schema. */
export function schemaMetric(text: string): (answer: string) => number {
  const schema = compiled(text);
  return (answer) => {
    const own = jsonOf(answer);
    return own && schema.safeParse(own.value).success ? 1 : 0;
  };
}

function compiled(text: string): z.ZodType {
  const json = jsonOf(text);
  if (typeof json?.value !== 'object' || json.value === null || Array.isArray(json.value))
    throw bad('is no JSON object');
  try {
    return z.fromJSONSchema(json.value as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    throw bad(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function bad(why: string): Error {
  return usageError('BAD_INPUT', `The JSON schema for answers ${why}; correct it.`);
}
