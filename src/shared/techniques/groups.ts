/** Groups of techniques, in the order in which they are shown. Alone in its file: the window needs no schemas for it. */
export const GROUPS = [
  'Kernel tampering',
  'Vulnerable drivers',
  'Filters',
  'Callbacks',
  'Processes',
  'Network',
  'Hiding and channels',
] as const
