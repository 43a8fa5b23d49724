/** How an export ended, and why it failed. */
import type { ExportEnd, ExportResult } from '../../catalog/exports.ts';
import { diskFullError, freeBytesAt } from '../../files/freeSpace.ts';
import { toErrorData, type ErrorData } from '../../../src-shared/errors.ts';
import { neededBytes } from './plan.ts';
import type { ExportRequest } from './request.ts';

export const EXPORT_ABANDONED: ErrorData = {
  code: 'EXPORT_ABANDONED',
  message: 'Graft was closed while this export was under way; start it again.',
};

export const EXPORT_CANCELLED: ErrorData = {
  code: 'EXPORT_CANCELLED',
  message: 'You cancelled this export; nothing of it was kept.',
};

export function completed(result: ExportResult): ExportEnd {
  return { status: 'completed', result, error: null, endedAt: new Date().toISOString() };
}

export function failed(error: ErrorData): ExportEnd {
  return { status: 'failed', result: null, error, endedAt: new Date().toISOString() };
}

/** A full disk says how much is missing. */
export async function exportFailure(error: unknown, request: ExportRequest): Promise<ErrorData> {
  const data = toErrorData(error);
  const needed = data.code === 'DISK_FULL' ? await neededBytes(request) : undefined;
  const free = freeBytesAt(request.outDir);
  return needed === undefined || free === null ? data : diskFullError(request.outDir, needed, free).toData();
}
