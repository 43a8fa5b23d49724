/** A run that is trained elsewhere, as a folder: what its files say. See docs/beyond.md. */
import { z } from 'zod';
import type { BackendName } from './backends.ts';
import { runSpecSchema } from './runSpec.ts';
import type { ErrorData } from './errors.ts';
import type { TrainEvent, TrainResult } from './training.ts';

export const JOB_VERSION = 1;

/** `job.json`. All paths in `spec` are relative to the job's folder, but the base's, which stands in `base`. */
export const jobFileSchema = z.object({
  version: z.literal(JOB_VERSION),
  runId: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/),
  name: z.string(),
  spec: runSpecSchema,
  base: z.object({
    hash: z.string(),
    /** Where it may lie, absolute or relative to the job's folder; the first place that exists counts. */
    places: z.array(z.string()).min(1),
  }),
  /** Sha-256 (hex) and size of every file that came with the job, by its path in the folder. */
  files: z.record(z.string(), z.object({ sha256: z.string(), sizeBytes: z.number().int().min(0) })),
});
export type JobFile = z.infer<typeof jobFileSchema>;

/**
 * - waiting: nobody has begun;
 * - running: a process is at it, or has died without a word;
 * - paused, stopped: as was asked; completed, failed: over by itself;
 * - interrupted: it was told to end (by the scheduler, or since its time is over) and has kept its state.
 */
export const JOB_PHASES = ['running', 'paused', 'interrupted', 'completed', 'stopped', 'failed'] as const;
export type JobPhase = (typeof JOB_PHASES)[number];

/** `state.json`, written whole by the process that trains. */
export interface JobState {
  phase: JobPhase;
  /** Counts the processes that have begun with this job. */
  attempt: number;
  host: string;
  pid: number;
  /** When this attempt began, and when it last wrote this file (Unix time). */
  beganAtMs: number;
  beatMs: number;
  step: number;
  /** What `auto` has come to mean there; a run that goes on keeps to it. */
  engine?: BackendName | undefined;
  /** Processes that train together. */
  ranks: number;
  /** Where a scheduler runs it: as it calls the job, and how often it has begun it anew. */
  slurm?: { jobId: string; arrayTask?: number | undefined; restarts: number };
  /** Why it was interrupted. */
  why?: 'told to end' | 'time limit';
  /** `outDir` is relative to the job's folder. */
  result?: TrainResult;
  error?: ErrorData;
  /** There is a state to go on from. */
  resumable: boolean;
}

/** A line of `events.jsonl`, which only grows, over all attempts. */
export type JobEvent = TrainEvent & { seq: number; attempt: number; atMs: number };

/** `control.json`, which whoever follows the job writes whole. */
export const jobControlSchema = z.object({
  action: z.enum(['pause', 'stop', 'none']),
  /** The job is to go on although this attempt came to its end. */
  afterAttempt: z.number().int().optional(),
  /** By which a scheduler's queue tells what was submitted with this file, and the job's place in an array of jobs. */
  submission: z.object({ key: z.string(), task: z.number().int().nullable() }).optional(),
});
export type JobControl = z.infer<typeof jobControlSchema>;
