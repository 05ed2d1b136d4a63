import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** The direct children of a process. Linux says so in /proc; other systems have ps. */
export function childrenOf (pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`
  if (existsSync(file)) return toNumbers(readFileSync(file, 'utf8'))
  return toNumbers(execFileSync('ps', ['-A', '-o', 'ppid=,pid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([parent]) => parent === String(pid))
    .map(([, child]) => child)
    .join(' '))
}

function toNumbers (text: string): number[] {
  return text.split(/\s+/).filter((word) => word !== '').map(Number)
}
