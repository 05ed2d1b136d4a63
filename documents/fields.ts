import { html, type Html, inline } from './html.ts'
import type { Json, JsonObject } from './json-schemas.ts'

/** The anchor of a type on the page. */
export const typeAnchor = (name: string) => `type-${name}`

const REFERENCE = '#/components/schemas/'

export const nameOf = (schema: JsonObject): string | undefined => typeof schema.$ref === 'string' ? schema.$ref.slice(REFERENCE.length) : undefined

/** What a value may be, in a few words, with links to the types that have names. */
export function typeOf (schema: JsonObject): Html {
  const name = nameOf(schema)
  if (name !== undefined) return html`<a href="#${typeAnchor(name)}">${name}</a>`
  if (schema.enum !== undefined) return words(schema.enum as Json[])
  if (schema.const !== undefined) return words([schema.const])
  if (schema.anyOf !== undefined) return html`${(schema.anyOf as JsonObject[]).map((one, index) => html`${index > 0 ? ' or ' : ''}${typeOf(one)}`)}`
  if (schema.type === 'array') return html`list of ${typeOf(schema.items as JsonObject)}`
  return html`${String(schema.type ?? 'any')}${typeof schema.format === 'string' ? html` <small>${schema.format}</small>` : undefined}`
}

const words = (values: Json[]) => html`${values.map((value, index) => html`${index > 0 ? ' | ' : ''}<code>${JSON.stringify(value)}</code>`)}`

const bounds: Record<string, string> = { minLength: 'at least {} characters', maxLength: 'at most {} characters', minimum: 'from {}', maximum: 'to {}', maxItems: 'at most {} of them', default: '{} unless said' }

/** What else the schema demands. Zero and the largest safe integer are no bounds that anybody meets. */
function limitsOf (schema: JsonObject): string | undefined {
  const found = Object.entries(bounds).filter(([keyword]) => schema[keyword] !== undefined && schema[keyword] !== Number.MAX_SAFE_INTEGER && (keyword !== 'minimum' || schema[keyword] !== 0))
  if (found.length === 0) return undefined
  return found.map(([keyword, text]) => text.replace('{}', String(schema[keyword]))).join(', ')
}

export interface Field { name: string, schema: JsonObject, required: boolean, description?: string }

export function fieldsOf (schema: JsonObject): Field[] {
  const required = (schema.required ?? []) as string[]
  return Object.entries((schema.properties ?? {}) as Record<string, JsonObject>)
    .map(([name, property]) => ({ name, schema: property, required: required.includes(name) }))
}

/** @param schemas the types by name: a field without words of its own borrows those of its type */
export function fieldList (fields: Field[], schemas: Record<string, JsonObject>): Html | undefined {
  if (fields.length === 0) return undefined
  return html`<dl class="fields">${fields.map(({ name, schema, required, description }) => {
    const text = description ?? schema.description ?? schemas[nameOf(schema) ?? '']?.description
    const limits = limitsOf(schema)
    return html`<div><dt><code>${name}</code>${required ? undefined : html` <em>optional</em>`}</dt><dd><span class="type">${typeOf(schema)}</span>${
      typeof text === 'string' ? html` <span>${inline(text)}</span>` : undefined}${limits === undefined ? undefined : html` <small>${limits}</small>`}</dd></div>`
  })}</dl>`
}

export const sample = (title: string, value: Json) => html`<figure><figcaption>${title}</figcaption><pre tabindex="0"><code>${JSON.stringify(value, null, 2)}</code></pre></figure>`
