/** How the contract travels: one IPC channel for calls, one for streams. No imports: preload uses it. */

export const CALL_CHANNEL = 'ring0:call'
export const STREAM_CHANNEL = 'ring0:stream'
/** Command-line argument of the window's process that carries the names of calls and streams. */
export const NAMES_ARGUMENT = '--ring0-contract='
/** The call that carries the paths of dropped files; see `PRELOAD_ONLY`. */
export const DROPPED = 'intake.dropped'
