import { open, rename, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { undefinedIfMissing } from './process.ts'

/** bytes; a longer log makes room for a new one at the next start, with one generation kept */
const logLimit = 10 * 1024 * 1024

/** Moves a log that has grown beyond 10 MB to `<path>.1`. */
export async function rotateLog (path: string): Promise<void> {
  const size = (await stat(path).catch(undefinedIfMissing))?.size ?? 0
  if (size > logLimit) await rename(path, `${path}.1`)
}

/** Opens the log for appending. The caller closes it. */
export async function openLog (path: string): Promise<FileHandle> {
  const handle = await open(path, 'a', 0o600)
  // Root may start in the DATA_DIR of an ordinary user, who will want to write here again.
  const owner = await stat(dirname(path))
  /* c8 ignore next: coverage is collected as root */
  if (process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid)
  return handle
}

/** The last lines of a log, at most 10 and 4 KB, nothing from before `offset` (bytes); none of a log that is gone. */
export async function lastLines (path: string, offset: number): Promise<string[]> {
  const handle = await open(path).catch(undefinedIfMissing)
  if (handle === undefined) return []
  try {
    const { size } = await handle.stat()
    const start = Math.max(offset, size - 4096)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(size - start, 0)), 0, null, start)
    return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-10)
  } finally {
    await handle.close()
  }
}
