/** What lies on the volume of a booted Windows beside the images of its processes and modules. */

/** Text files by path. */
export const TEXT_FILES: Readonly<Record<string, string>> = {
  '\\Windows\\System32\\drivers\\etc\\hosts':
    '# Copyright (c) 1993-2009 Microsoft Corp.\r\n#\t127.0.0.1       localhost\r\n#\t::1             localhost\r\n',
  '\\Windows\\win.ini': '; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n',
  '\\Users\\student\\Documents\\letter.txt': 'Dear Ada,\r\nthe driver works now.\r\n',
  '\\Users\\student\\Documents\\passwords.txt': 'bank: correct horse battery staple\r\n',
  '\\Program Files\\Guard\\signatures.txt': 'EICAR\r\nRedDriver\r\n',
}

/** Images without a process or module of their own, and their sizes in bytes. */
export const IMAGE_FILES: readonly string[] = [
  '\\Windows\\System32\\ntoskrnl.exe',
  '\\Windows\\System32\\ntdll.dll',
  '\\Windows\\System32\\kernel32.dll',
  '\\Windows\\System32\\cmd.exe',
  '\\Windows\\System32\\notepad.exe',
  '\\Windows\\System32\\taskmgr.exe',
]

/** Folders that would be empty, so that they are there. */
export const FOLDERS: readonly string[] = [
  '\\Users\\Public\\Documents',
  '\\Users\\student\\Desktop',
  '\\Users\\student\\AppData\\Local\\Temp',
  '\\Windows\\Temp',
]

/** Hives and the page file: hidden, of the system. */
export const SYSTEM_FILES: readonly string[] = [
  '\\Windows\\System32\\config\\SAM',
  '\\Windows\\System32\\config\\SECURITY',
  '\\Windows\\System32\\config\\SOFTWARE',
  '\\Windows\\System32\\config\\SYSTEM',
  '\\pagefile.sys',
]
