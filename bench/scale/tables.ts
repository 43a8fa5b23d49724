/** The figures of the bench `scale` as Markdown. */
import { quantile } from '../lib/stats.ts';
import type { Exchange } from './exchange.ts';
import { efficiency, NETWORKS, overlapped } from './paper.ts';

/** One way of using the machine. */
export interface Measured {
  name: string;
  /** Of a step. */
  rows: number;
  /** Of all turns. */
  stepMs: number[];
  /** That the first process kept busy. */
  cores: number;
  /** Share of the cores that other programs took in the quietest turn. */
  others: number;
  /** Of the held-out rows, in the quickest turn. */
  evaluationMs: number;
  lastLoss: number;
  trainable: number;
}

const PROCESSES = [8, 64, 512];

function table(head: string[], rows: string[][]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/** The speed is in rows a second over that of the second way, one process of one thread. */
export function stepTable(measured: Measured[]): string[] {
  const rate = ({ rows, stepMs }: Measured, q: number): number => rows / quantile(stepMs, q);
  const [, alone] = measured as [Measured, Measured];
  return table(
    [
      '',
      'rows a step',
      'best',
      'median',
      'speed (best)',
      'speed (median)',
      'cores of a process',
      'evaluation',
      'loss at the end',
      'others',
    ],
    measured.map((one) => [
      one.name,
      String(one.rows),
      `${quantile(one.stepMs, 0).toFixed(1)} ms`,
      `${quantile(one.stepMs, 0.5).toFixed(1)} ms`,
      `${(rate(one, 0) / rate(alone, 0)).toFixed(2)}x`,
      `${(rate(one, 0.5) / rate(alone, 0.5)).toFixed(2)}x`,
      one.cores.toFixed(2),
      `${one.evaluationMs.toFixed(0)} ms`,
      one.lastLoss.toFixed(5),
      `${(100 * one.others).toFixed(0)} %`,
    ]),
  );
}

export function exchangeTable(exchanges: Exchange[]): string[] {
  return table(
    ['gradients', 'sum over two processes', 'out of the engine and back'],
    exchanges.map(({ bytes, sumMs, handOverMs }) => [
      bytes < 1e6 ? `${bytes} bytes` : `${bytes / 1e6} MB`,
      timeOf(sumMs),
      timeOf(handOverMs),
    ]),
  );
}

function timeOf(ms: number): string {
  return `${ms < 10 ? ms.toPrecision(2) : ms.toFixed(0)} ms`;
}

/** Efficiency, and in brackets the one with an exchange that runs beside the backward pass. */
export function paperTable(computeMs: number, exchanges: Exchange[]): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(share > 0.995 && share < 0.9995 ? 1 : 0)} %`;
  return table(
    ['gradients', 'network', ...PROCESSES.map((processes) => `${processes} processes`)],
    exchanges.flatMap(({ bytes, handOverMs }) =>
      NETWORKS.map((network) => [
        `${bytes / 1e6} MB`,
        `${network.gigabitsPerSecond} Gbit/s`,
        ...PROCESSES.map((processes) => {
          const parts = { computeMs, handOverMs, bytes };
          const [plain, beside] = [efficiency, overlapped].map((model) => percent(model(processes, parts, network)));
          return `${plain} (${beside})`;
        }),
      ]),
    ),
  );
}
