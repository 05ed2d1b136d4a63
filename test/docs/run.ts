import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { projectRoot } from '../support/paths.ts'

export interface Ran { code: number | null, stdout: string, stderr: string }

/** Runs a program to its end, with PATH, HOME and `more` for its environment; killed after half a minute, or after `timeout` milliseconds. */
export async function run (command: string, args: string[], cwd: string, more: Record<string, string> = {}, timeout = 30_000): Promise<Ran> {
  const { PATH, HOME } = process.env
  const child = spawn(command, args, { cwd, env: { PATH, HOME, ...more }, stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' })
  const ran: Ran = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { ran.stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { ran.stderr += text })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ ...ran, code }))
  })
}

/** A folder as a reader has it after npm install of these packages. */
export function folder (t: Test, packages: Record<string, string> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'klatsch-test-reader-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(join(path, 'node_modules'))
  for (const [name, target] of Object.entries(packages)) symlinkSync(target, join(path, 'node_modules', name))
  return path
}

export const installed = (name: string) => join(projectRoot, 'node_modules', name)
