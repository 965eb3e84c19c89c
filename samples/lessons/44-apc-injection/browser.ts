/* The program that is made to say what it has not in it: it shows a page, and waits for its downloads. */
import { SleepEx, TRUE, printf } from 'win32'

export function main(): number {
  printf('browser.exe: the news of the day\n')
  // An alertable wait, as for asynchronous input and output: user APCs are delivered here.
  for (;;) SleepEx(50, TRUE)
}
