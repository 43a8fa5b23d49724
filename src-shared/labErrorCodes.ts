/** Error codes of the lab, of studies and of suites; a part of errorCodes.ts, whose rules hold here too. */
export const LAB = [
  'LAB_BESIDE',
  'LAB_BUDGET',
  'LAB_BYTES',
  'LAB_NOTHING_SHARED',
  'LAB_NOT_KEPT',
  'LAB_NO_FACTORS',
  'LAB_NO_INTRUDERS',
  'LAB_NO_UPDATE',
  'LAB_NOT_BLENDABLE',
  'LAB_OTHER_MODEL',
  'LAB_RANK',
  'LAB_TOO_WIDE',
  'LAB_TOP',
] as const;

export const STUDIES = [
  'STUDY_INVALID',
  'STUDY_NOT_FOUND',
  'STUDY_NOT_HERE',
  'STUDY_NOT_OVER',
  'STUDY_OVER',
  'STUDY_PLAN',
  'STUDY_TOO_SHORT',
] as const;

export const SUITES = [
  'SUITE_EXISTS',
  'SUITE_NOT_COMPARED',
  'SUITE_NOT_FOUND',
  'SUITE_NO_QUESTIONS',
  'SUITE_ROWS_UNKNOWN',
  'SUITE_RUNNING',
  'SUITE_SUBJECTS',
] as const;
