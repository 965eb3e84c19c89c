/** Where the documentation of a Windows name is: the only addresses this app ever opens, elsewhere. */

const SITE = 'https://learn.microsoft.com/'
const DDI = `${SITE}windows-hardware/drivers/ddi/`
const SEARCH = `${SITE}search/?terms=`

/**
 * @param name  `wdm/nf-wdm-iocompleterequest` or a whole address as in the table of routines, or any
 *              Windows name
 * @returns null for a text that is neither
 */
export function docsAddress(name: string): string | null {
  if (/^https:\/\/learn\.microsoft\.com\/[A-Za-z0-9/_.-]+$/.test(name)) return name
  if (/^[a-z0-9_]+\/[a-z0-9_-]+$/.test(name)) return DDI + name
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return SEARCH + encodeURIComponent(name)
  if (/^0x[0-9A-Fa-f]{1,16}$/.test(name))
    return `${SEARCH}${encodeURIComponent(`bug check ${name}`)}`
  return null
}
