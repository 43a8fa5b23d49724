/** Slurm's options as people read them. */
import type { SlurmOption } from '../../../../src-shared/remoteTargets.ts';

interface Words {
  label: string;
  hint?: string;
  /** A value that it might have. */
  example?: string;
}

export const SLURM_LABELS: Record<SlurmOption, Words> = {
  partition: { label: 'Partition', example: 'gpu' },
  account: { label: 'Account' },
  qos: { label: 'Quality of service' },
  time: { label: 'Time limit', hint: 'Of a job; a run saves its state ahead of it.', example: '08:00:00' },
  gpus: { label: 'GPUs' },
  gres: { label: 'Generic resources', example: 'gpu:1' },
  'cpus-per-task': { label: 'CPUs per process' },
  mem: { label: 'Memory per node', example: '32G' },
  constraint: { label: 'Constraint' },
  reservation: { label: 'Reservation' },
  nodelist: { label: 'Nodes to use', example: 'n[1-4]' },
  exclude: { label: 'Nodes to avoid', example: 'n7' },
  nodes: { label: 'Number of nodes' },
};
