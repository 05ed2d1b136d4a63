import { openTools } from '../support/tools.ts'

/** Judges of the documents, and generators. */
export const { installed, load, install } = openTools('generators')
