/**
 * A run as an event file of TensorBoard: scalars by step, the settings for its HParams page, settings and notes as
 * text. Field numbers: tensorflow/core/util/event.proto, framework/summary.proto, framework/tensor.proto, and
 * tensorboard/plugins/hparams/plugin_data.proto.
 */
import { hostname } from 'node:os';
import type { SettingValue } from '../../src-shared/flatSettings.ts';
import { double, float, int, message, text } from './protobuf.ts';
import { tfrecord } from './tfrecord.ts';
import { scalarsOf, type Scalars, type TrackedRun } from './trackedRun.ts';

const DT_STRING = 7;
/** Of hparams' `Status`. */
const STATUS = { completed: 1, failed: 2 } as const;

/** TensorBoard finds event files by this part of their name. */
export function eventFileName({ startedMs }: TrackedRun): string {
  return `events.out.tfevents.${Math.floor(startedMs / 1000)}.${hostname() || 'localhost'}.graft`;
}

/** The whole file, in pieces of one event each. */
export function eventFile(run: TrackedRun): Buffer[] {
  const start = run.startedMs / 1000;
  const events = [
    event(start, 0, text(3, 'brain.Event:2')),
    event(start, 0, summary(textValue('settings', settingsTable(run.settings)))),
    ...(run.notes ? [event(start, 0, summary(textValue('notes', run.notes)))] : []),
    event(start, 0, summary(hparamsValue('_hparams_/session_start_info', sessionStart(run)))),
    ...scalarsOf(run).map((scalars) => event(scalars.atMs / 1000, scalars.step, scalarSummary(scalars))),
    ...sessionEnd(run),
  ];
  return events.map((bytes) => tfrecord(bytes));
}

/** Event: wall_time = 1, step = 2, then what it is about. */
function event(wallSeconds: number, step: number, what: Buffer): Buffer {
  return Buffer.concat([double(1, wallSeconds), ...(step === 0 ? [] : [int(2, step)]), what]);
}

/** Event.summary = 5, of Summary.Value = 1. */
function summary(...values: Buffer[]): Buffer {
  return message(5, ...values);
}

/** Value: tag = 1, simple_value = 2. */
function scalarSummary({ values }: Scalars): Buffer {
  return summary(...values.map(([name, value]) => message(1, text(1, name), float(2, value))));
}

/**
 * Value: tag = 1, tensor = 8 (dtype = 1, tensor_shape = 2 of one dim = 2 of size = 1, string_val = 8), metadata = 9.
 */
function textValue(name: string, value: string): Buffer {
  const tensor = message(8, int(1, DT_STRING), message(2, message(2, int(1, 1))), text(8, value));
  return message(1, text(1, `${name}/text_summary`), tensor, pluginData('text', Buffer.alloc(0)));
}

function hparamsValue(name: string, data: Buffer): Buffer {
  return message(1, text(1, name), pluginData('hparams', data));
}

/** Value.metadata = 9: plugin_data = 1 of plugin_name = 1 and content = 2. */
function pluginData(plugin: string, content: Buffer): Buffer {
  return message(9, message(1, text(1, plugin), ...(content.length > 0 ? [message(2, content)] : [])));
}

/**
 * HParamsPluginData: session_start_info = 3, of hparams = 1 (a map to google.protobuf.Value) and start_time_secs = 5.
 */
function sessionStart({ settings, startedMs }: TrackedRun): Buffer {
  const entries = Object.entries(settings).map(([key, value]) => message(1, text(1, key), message(2, hparam(value))));
  return message(3, ...entries, double(5, startedMs / 1000));
}

/** google.protobuf.Value: number_value = 2, string_value = 3, bool_value = 4. */
function hparam(value: SettingValue): Buffer {
  if (typeof value === 'number') return double(2, value);
  return typeof value === 'boolean' ? int(4, value ? 1 : 0) : text(3, value);
}

/** HParamsPluginData: session_end_info = 4, of status = 1 and end_time_secs = 2. */
function sessionEnd({ status, endedMs }: TrackedRun): Buffer[] {
  if (endedMs === null) return [];
  const how = status === 'failed' ? STATUS.failed : STATUS.completed;
  const data = message(4, int(1, how), double(2, endedMs / 1000));
  return [event(endedMs / 1000, 0, summary(hparamsValue('_hparams_/session_end_info', data)))];
}

/** A table in Markdown, which TensorBoard's text page renders. */
function settingsTable(settings: TrackedRun['settings']): string {
  const cell = (value: SettingValue) => String(value).replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = Object.entries(settings).map(([name, value]) => `| ${name} | ${cell(value)} |`);
  return ['| setting | value |', '| --- | --- |', ...rows].join('\n');
}
