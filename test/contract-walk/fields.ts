/** Which fields of the documented objects were seen, and which values of those that take only a few. */
import { type Schema, schemaOf } from './documents.ts'

const nameOf = (ref: string) => ref.split('/').at(-1)!

/** Everything that may stand in what a schema describes: `Message.editedAt`, `Status away`. */
export function placesOf (roots: Schema[]): string[] {
  const places = new Set<string>()
  const known = new Set<string>()

  function collect ({ $ref, anyOf, items, properties, enum: values }: Schema, name: string) {
    if ($ref !== undefined && !known.has($ref)) {
      known.add($ref)
      collect(schemaOf($ref), nameOf($ref))
    }
    for (const branch of anyOf ?? []) collect(branch, name)
    if (items !== undefined) collect(items, name)
    for (const value of values ?? []) places.add(`${name} ${value}`)
    for (const [field, property] of Object.entries(properties ?? {})) {
      places.add(`${name}.${field}`)
      collect(property, `${name}.${field}`)
    }
  }

  for (const root of roots) collect(root, '')
  return [...places]
}

/** What of it stands in a value that fits the schema. `fits`: whether it is this branch of several. */
export function markPlaces (seen: Set<string>, fits: (branch: Schema, value: unknown) => boolean) {
  function mark ({ $ref, anyOf, items, properties, enum: values }: Schema, value: unknown, name = ''): void {
    if ($ref !== undefined) return mark(schemaOf($ref), value, nameOf($ref))
    for (const branch of anyOf ?? []) if (fits(branch, value)) mark(branch, value, name)
    if (values !== undefined) seen.add(`${name} ${String(value)}`)
    if (items !== undefined) for (const item of value as unknown[]) mark(items, item, name)
    for (const [field, property] of Object.entries(properties ?? {})) {
      if (!Object.hasOwn(value as object, field)) continue
      seen.add(`${name}.${field}`)
      mark(property, (value as Record<string, unknown>)[field], `${name}.${field}`)
    }
  }
  return mark
}
