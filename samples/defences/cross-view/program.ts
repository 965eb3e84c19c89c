// The user part of the scanner: takes the list of processes that Windows gives to programs, has the
// driver compare, and prints what differs. Things come and go while one looks, so what is found is
// looked for again a moment later; what is still there is printed, once.
import type { DWORD, HANDLE } from 'win32'
import {
  CloseHandle,
  CreateFile,
  CreateToolhelp32Snapshot,
  DeviceIoControl,
  GENERIC_READ,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  PROCESSENTRY32W,
  Process32First,
  Process32Next,
  Sleep,
  TH32CS_SNAPPROCESS,
  UCHAR,
  array,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import {
  FINDING,
  FINDINGS_MAX,
  IOCTL_CROSS_VIEW_SCAN,
  Kind,
  LISTED,
  LISTED_MAX,
  NAME_CHARACTERS,
} from './findings'

/** Between two scans, and before one is made again, in ms. */
const PERIOD = 1900
const AGAIN = 50

/** Findings that were printed. */
const printed: number[] = []

export function main(): number {
  const device = CreateFile('\\\\.\\CrossView', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) return 1
  for (;;) {
    Sleep(PERIOD)
    const first = scan(device, [], false)
    if (first.length === 0) continue
    Sleep(AGAIN)
    scan(device, first, true)
  }
}

/** What one scan found, as numbers that are the same when the finding is. */
function scan(device: HANDLE, expected: number[], isLast: boolean): number[] {
  const listed = local(LISTED)
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return []
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let more = Process32First(snapshot, entry)
  while (more && listed.Count < LISTED_MAX) {
    listed.Ids[listed.Count] = entry.th32ProcessID
    listed.Count++
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  const findings = local(array(FINDING, FINDINGS_MAX))
  const returned = out<DWORD>()
  const room = sizeof(findings)
  const size = sizeof(LISTED)
  const code = IOCTL_CROSS_VIEW_SCAN
  if (!DeviceIoControl(device, code, listed, size, findings, room, returned, null)) return []
  const found: number[] = []
  for (let i = 0; i < returned.value / sizeof(FINDING); i++) {
    const finding = findings[i]
    let mark = finding.Kind * 0x10000000 + finding.Id * 0x1000 + finding.Of
    for (let at = 0; at < NAME_CHARACTERS; at++) mark = (mark * 31 + finding.Name[at]) % 0x1fffffff
    found.push(mark)
    if (!isLast || expected.indexOf(mark) < 0 || printed.indexOf(mark) >= 0) continue
    printed.push(mark)
    print(finding)
  }
  return found
}

function print(finding: FINDING): void {
  const name = local(array(UCHAR, NAME_CHARACTERS))
  for (let i = 0; i < NAME_CHARACTERS; i++) name[i] = finding.Name[i]
  const id = finding.Id
  switch (finding.Kind) {
    case Kind.NotInList:
      printf('ALERT %s (%u) is in the table of ids, and not in the list of processes\n', name, id)
      break
    case Kind.ThreadsOnly:
      printf('ALERT process %u has threads, and is not in the list of processes\n', id)
      break
    case Kind.NotTold:
      printf('ALERT %s (%u) is in the list of processes, and programs are not told\n', name, id)
      break
    case Kind.ModuleNotInList:
      printf('ALERT the driver %s is in memory, and not in the list of modules\n', name)
      break
    case Kind.NoService:
      printf('ALERT the driver %s is loaded, and has no service\n', name)
      break
    case Kind.KeysNotListed:
      printf('ALERT of %u services %u are listed\n', finding.Of, id)
      break
  }
}
