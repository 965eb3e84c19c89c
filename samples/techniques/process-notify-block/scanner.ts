/* A security tool: runs as SYSTEM, protected like an antimalware service. */
import { printf } from 'win32'
export function main(): number {
  printf('scanner: at work\n')
  return 0
}
