/** `tasks list`, `tasks switch`. */
import { usageError } from '../../../src-shared/errors.ts';
import type { Command } from './command.ts';
import { table } from './format.ts';

export const tasksList: Command = {
  name: 'tasks list',
  positionals: [],
  summary: 'Lists the tasks with their active adapters.',
  options: {},
  async run({ api, print }) {
    const tasks = await api.tasks.list();
    const rows = tasks.map((task) => [task.name, String(task.adapters), task.activeAdapterId ?? 'plain base']);
    if (rows.length > 0) table(['TASK', 'ADAPTERS', 'ACTIVE'], rows).forEach(print);
    else print('There is no task yet; "train --task NAME" makes one.');
    return { tasks };
  },
};

export const tasksSwitch: Command = {
  name: 'tasks switch',
  positionals: ['NAME', '[ADAPTER]'],
  summary: 'Makes an adapter the active one of a task; without ADAPTER the newest. "none" is the plain base.',
  options: {},
  async run({ api, args, print, say }) {
    const [name, wanted] = args.positionals;
    const task = (await api.tasks.list()).find((t) => t.name === name || t.id === name);
    if (!task)
      throw usageError('TASK_NOT_FOUND', `There is no task "${name}"; "tasks list" shows those that exist.`, {
        task: name,
      });
    const adapters = await api.adapters.list({ taskId: task.id });
    const adapterId = wanted === 'none' ? null : (wanted ?? adapters.at(-1)?.id);
    if (adapterId === undefined)
      throw usageError('ADAPTER_NOT_FOUND', `The task "${task.name}" has no adapter yet; train one.`, {
        task: task.name,
      });
    const regressions = await api.suites.regressions({ taskId: task.id, adapterId });
    const switched = await api.tasks.switch({ taskId: task.id, adapterId });
    print(`${task.name} now uses ${adapterId ?? 'the plain base'}.`);
    regressions.forEach(say);
    return { ...switched, regressions };
  },
};
