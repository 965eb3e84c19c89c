import { expect, test } from 'vitest'
import type { ObjectType } from '../../../../shared/trace/event'
import { rightsWords } from './rights'

test.each<[string, ObjectType | null, string]>([
  ['0x00000400', 'Process', '0x00000400 = PROCESS_QUERY_INFORMATION'],
  ['0x0012019F', 'File', '0x0012019F = FILE_GENERIC_READ | FILE_GENERIC_WRITE'],
  ['0x001F01FF', 'File', '0x001F01FF = FILE_ALL_ACCESS'],
  ['0x0002001B', 'Key', '0x0002001B = KEY_READ | KEY_SET_VALUE'],
  ['0x80010000', null, '0x80010000 = DELETE | 0x80000000'],
  ['0x00000001', 'Event', '0x00000001'],
  ['0x00000000', 'File', '0x00000000'],
  ['words', 'File', 'words'],
])('%s to a %s is said as %s', (mask, type, said) => {
  expect(rightsWords(mask, type)).toBe(said)
})
