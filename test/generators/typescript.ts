import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { run } from '../docs/run.ts'
import { projectRoot } from '../support/paths.ts'
import { installed } from './tools.ts'

const settings = {
  compilerOptions: { target: 'es2022', module: 'nodenext', moduleResolution: 'nodenext', strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, types: ['node'] },
  include: ['*.ts']
}

/** A project as a stranger has it: strict settings, and nothing but these packages. */
export function project (t: Test, packages: Record<string, string>): string {
  const folder = t.testdir({ node_modules: { '@types': {} } })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  symlinkSync(join(projectRoot, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  for (const [name, target] of Object.entries(packages)) symlinkSync(target, join(folder, 'node_modules', name))
  return folder
}

/** What tsc has against the project; empty when it compiled. */
export async function compile (folder: string): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [installed('typescript', 'bin', 'tsc'), '-p', '.'], folder)
  return stdout + stderr
}
