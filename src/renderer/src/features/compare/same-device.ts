/** Samples that are one device written more than once, by their folders; docs/frameworks.md has their tables. */
const SAME_DEVICE: readonly (readonly string[])[] = [
  ['ioctl-echo', 'kmdf-echo', 'umdf-echo'],
  ['cancel-safe-queue', 'kmdf-pending'],
  ['pnp-function', 'kmdf-function'],
  ['kmdf-crash', 'umdf-crash'],
]

/** The other samples of the same device, in the order in which they are to be shown. */
export function sameDevice(slug: string): string[] {
  const family = SAME_DEVICE.find((slugs) => slugs.includes(slug)) ?? []
  return family.filter((other) => other !== slug)
}
