/**
 * The earlier states of a run that are kept, each a second name of a state that once was the newest. They stay when the
 * run ends, for a look back at a step and for going on from there otherwise.
 */
import fs from 'node:fs';
import path from 'node:path';
import { endStateFile, keptStateFile, keptStatesDir, runStateFile } from './layout.ts';

const NAME = /^step-(\d+)\.safetensors$/;
const NEWEST = 2;
const OLDER = 6;

export interface KeptState {
  /** Optimiser steps that had been done. */
  step: number;
  sizeBytes: number;
}

/** Rising by step; of a folder that is gone, none. */
export function keptStates(runDir: string): KeptState[] {
  const dir = keptStatesDir(runDir);
  if (!fs.existsSync(dir)) return [];
  const steps = fs
    .readdirSync(dir)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number);
  return steps
    .sort((a, b) => a - b)
    .map((step) => ({ step, sizeBytes: fs.statSync(keptStateFile(runDir, step)).size }));
}

/**
 * Keeps the state that has just been written for `step`, and thins the others. `onlyNewest`: each is as large as a
 * model.
 */
export function keepState(runDir: string, step: number, { onlyNewest }: { onlyNewest: boolean }): void {
  addKeptState(runStateFile(runDir), runDir, step);
  const steps = keptStates(runDir).map((kept) => kept.step);
  const stay = new Set(onlyNewest ? [step] : thinned(steps));
  for (const old of steps) if (!stay.has(old)) fs.rmSync(keptStateFile(runDir, old), { force: true });
}

/** Files of states are never changed, only replaced, so a second name is as good as a copy. */
export function addKeptState(source: string, runDir: string, step: number): void {
  nameToo(source, keptStateFile(runDir, step));
}

/** Keeps the state that has just been written as the run's end. */
export function keepEndState(runDir: string): void {
  nameToo(runStateFile(runDir), endStateFile(runDir));
}

function nameToo(source: string, target: string): void {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.rmSync(target, { force: true });
  linkOrCopy(source, target);
}

/** File systems without hard links get a copy. */
export function linkOrCopy(source: string, target: string): void {
  try {
    fs.linkSync(source, target);
  } catch {
    fs.copyFileSync(source, target);
  }
}

/** Of rising steps: the newest two, the first, and of those between as many, spread evenly, as make six older ones. */
export function thinned(steps: number[]): number[] {
  const older = steps.slice(0, -NEWEST);
  while (older.length > OLDER) {
    // The gap that would be left where one goes; the first stays, whatever comes.
    const gaps = older.slice(1).map((_, i) => (older[i + 2] ?? steps.at(-NEWEST)!) - older[i]!);
    older.splice(1 + gaps.indexOf(Math.min(...gaps)), 1);
  }
  return [...older, ...steps.slice(-NEWEST)];
}
