/**
 * Calls of tools as chat templates know them: `tool_calls` with the arguments as an object. OpenAI writes the arguments
 * as JSON text, ShareGPT the whole call as the text of a turn of its own.
 */
import { isObject } from './tokenizerFiles.ts';
import type { JsonObject } from './tokenizerFiles.ts';

type Reason = { reason: string };

/** The calls that a message of OpenAI's form makes; none is an empty list. */
export function readCalls(turn: JsonObject, where: string): { calls: JsonObject[] } | Reason {
  const list = turn['tool_calls'] ?? (turn['function_call'] ? [{ function: turn['function_call'] }] : []);
  if (!Array.isArray(list)) return { reason: `"tool_calls" of ${where} is not a list` };
  const calls: JsonObject[] = [];
  for (const call of list as unknown[]) {
    const made = isObject(call) ? callOf(call['function'] ?? call) : undefined;
    if (!made) return { reason: `a tool call of ${where} has no name, or arguments that are not a JSON object` };
    calls.push({ ...(isObject(call) ? call : {}), type: 'function', function: made });
  }
  return { calls };
}

/** The calls that the text of ShareGPT's `function_call` holds: one, or a list. */
export function readFunctionCall(value: unknown, where: string): { calls: JsonObject[] } | Reason {
  const parsed = typeof value === 'string' ? parsedJson(value) : value;
  const calls = (Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]).map(callOf);
  if (calls.length > 0 && calls.every((call) => call !== undefined))
    return { calls: calls.map((call) => ({ type: 'function', function: call })) };
  return { reason: `${where} is a function call, but not JSON with "name" and "arguments"` };
}

/** Descriptions of tools: a list, or the JSON text of one. An empty list where there are none. */
export function readTools(value: unknown, column: string): { tools: unknown[] } | Reason {
  if (value === undefined || value === null || value === '') return { tools: [] };
  const list = typeof value === 'string' ? parsedJson(value) : value;
  if (Array.isArray(list) && list.every(isObject)) return { tools: list };
  return { reason: `"${column}" is not a list of tool descriptions, nor the JSON text of one` };
}

function callOf(value: unknown): JsonObject | undefined {
  if (!isObject(value) || typeof value['name'] !== 'string') return undefined;
  const given = value['arguments'] ?? value['parameters'] ?? {};
  const args = typeof given === 'string' ? parsedJson(given === '' ? '{}' : given) : given;
  return isObject(args) ? { ...value, arguments: args } : undefined;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
