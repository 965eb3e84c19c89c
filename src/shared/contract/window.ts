/** What the preload puts into the window; import this file for the type of `window.lab`. */
import type { RingClient } from './index'

declare global {
  interface Window {
    /** The contract as functions: `window.lab['lab.run'](...)`, `window.lab.on('lab.progress', ...)`. */
    lab: RingClient
  }
}

export {}
