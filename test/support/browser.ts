import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'
import { findProgram } from './programs.ts'

/** A real Chromium without a window, closed at the test's end: that of CHROMIUM_PATH, or the one of the system. */
export async function openBrowser (t: Test): Promise<Browser> {
  const { CHROMIUM_PATH = findProgram('chromium') } = process.env
  const browser = await chromium.launch({ executablePath: CHROMIUM_PATH })
  t.teardown(() => browser.close())
  return browser
}
