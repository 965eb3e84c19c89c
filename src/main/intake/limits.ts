/** How much one import may take. Files are hostile: each number is a wall that something ran into. */

const MB = 1024 * 1024

/**
 * Files larger than this are not analysed: they are known by their digests alone. The largest
 * drivers that vendors ship stay below it. Analysing one of this size takes less than 200 MB, its
 * bytes among them (memory.test.ts); keeping a copy takes its size once more.
 */
export const FILE_BYTES_MAX = 96 * MB
/** Largest JSON export of ours that is read, and largest archive inside of another. */
export const CONTAINER_BYTES_MAX = 128 * MB

/** What one file may take, whatever is in it. */
export const FILE_MS_MAX = 2000
/** Heap of one worker. The file's bytes lie outside of it. */
export const WORKER_HEAP_MB = 160

/** Folders below folders, entries looked at in one walk. */
export const FOLDER_DEPTH_MAX = 64
export const WALK_ENTRIES_MAX = 1_000_000

/** Archives in archives: `a.zip/b.zip/c.zip/x.sys` is the deepest. */
export const ARCHIVE_DEPTH_MAX = 3
export const ARCHIVE_ENTRIES_MAX = 100_000
/** What all entries of one archive may unpack to: a plain allowance, and a multiple of its size. */
export const UNPACKED_BYTES_FREE = 512 * MB
export const UNPACKED_RATIO_MAX = 100
/** Unpacking one entry may take this long. */
export const UNPACK_MS_MAX = 20_000

/** A batch is written when it has this many files, or is this many milliseconds old. */
export const BATCH_FILES_MAX = 64
export const BATCH_MS_MAX = 250
/** Batches that the helper may have sent without their having been written. */
export const BATCHES_UNWRITTEN_MAX = 2
/** Items the helper is given ahead. All of them are suspects when it dies. */
export const ITEMS_AHEAD = 128

/** INF files and catalogues of one folder, and the size of each. */
export const PACKAGE_PARTS_MAX = 64
export const PACKAGE_PART_BYTES_MAX = 16 * MB

/** Bytes of files that are read and not answered yet; one file may exceed it alone. */
export const BYTES_IN_FLIGHT_MAX = 128 * MB
/** Items of a list that are written in one transaction. */
export const LIST_ITEMS_MAX = 1000

/** WebAssembly memory of the YARA worker. */
export const YARA_MEMORY_BYTES_MAX = 256 * MB
