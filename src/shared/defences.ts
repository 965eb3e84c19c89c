/** Defences that a scenario can switch on in its machine (docs/scenarios.md). */
export const DEFENCES = ['patchguard', 'hvci'] as const
export type DefenceName = (typeof DEFENCES)[number]
