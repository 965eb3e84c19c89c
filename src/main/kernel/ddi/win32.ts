/** Every routine of the module `win32`. */
import { WIN32_CONSOLE_DDIS } from './win32-console'
import { WIN32_CRT_DDIS } from './win32-crt'
import { WIN32_FILE_DDIS } from './win32-file'
import { WIN32_FOLDER_DDIS } from './win32-folder'
import { WIN32_MEMORY_DDIS } from './win32-memory'
import { WIN32_PROCESS_DDIS } from './win32-process'
import { WIN32_SECURITY_DDIS } from './win32-security'
import { WIN32_REGISTRY_DDIS } from './win32-registry'
import { WIN32_SERVICE_DDIS } from './win32-service'
import { WIN32_SYNC_DDIS } from './win32-sync'
import { WIN32_TOOLHELP_DDIS } from './win32-toolhelp'

export const WIN32_DDIS = {
  ...WIN32_CONSOLE_DDIS,
  ...WIN32_CRT_DDIS,
  ...WIN32_FILE_DDIS,
  ...WIN32_FOLDER_DDIS,
  ...WIN32_MEMORY_DDIS,
  ...WIN32_PROCESS_DDIS,
  ...WIN32_SECURITY_DDIS,
  ...WIN32_REGISTRY_DDIS,
  ...WIN32_SERVICE_DDIS,
  ...WIN32_SYNC_DDIS,
  ...WIN32_TOOLHELP_DDIS,
}
