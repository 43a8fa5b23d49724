/** Slurm's options as people read them. */
import type { SlurmOption } from '../../../../src-shared/remoteTargets.ts';

interface Words {
  label: string;
  hint?: string;
  /** A value, to be seen while there is none. */
  example: string;
}

export const SLURM_LABELS: Record<SlurmOption, Words> = {
  partition: { label: 'Partition', example: 'gpu' },
  account: { label: 'Account', example: '' },
  qos: { label: 'Quality of service', example: '' },
  time: { label: 'Time limit', hint: 'Of a job; a run saves its state ahead of it.', example: '08:00:00' },
  gpus: { label: 'GPUs', example: '1' },
  gres: { label: 'Generic resources', example: 'gpu:1' },
  'cpus-per-task': { label: 'CPUs per process', example: '8' },
  mem: { label: 'Memory per node', example: '32G' },
  constraint: { label: 'Constraint', example: '' },
  reservation: { label: 'Reservation', example: '' },
  nodelist: { label: 'Nodes to use', example: 'n[1-4]' },
  exclude: { label: 'Nodes to avoid', example: 'n7' },
  nodes: { label: 'Number of nodes', example: '1' },
};
