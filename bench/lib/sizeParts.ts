/** The parts of the case `sizes` (bench/cases/sizes.ts). */
export const SIZE_PARTS = ['cut', 'full', 'cpu'] as const;
export type SizePart = (typeof SIZE_PARTS)[number];
