import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { build } from '../support/build.ts'
import { projectRoot } from '../support/paths.ts'
import { read } from './markdown.ts'

interface Schema { $schema: string, $id: string, title?: string, description?: string, type?: string, $ref?: string, examples?: unknown[], properties?: Record<string, Schema>, items?: Schema, $defs?: Record<string, Schema> }

const folder = join(projectRoot, 'docs', 'schemas')
const names = readdirSync(folder).map(file => file.replace(/\.json$/, ''))
const schemas = new Map(names.map(name => [name, JSON.parse(read(`docs/schemas/${name}.json`)) as Schema]))

t.test('what is committed is what the code says', async t => {
  const { files } = (await build(t)).docs()
  t.strictSame(readdirSync(folder).map(file => `schemas/${file}`).toSorted(), [...files.keys()].filter(path => path.startsWith('schemas/')).toSorted(), 'run npm run docs')
  for (const [path, text] of files) t.ok(read(`docs/${path}`) === text, `docs/${path} differs from the code: run npm run docs`)
})

t.test('two servers describe themselves by the same bytes', async t => {
  const [one, other] = [await build(t), await build(t)]
  t.strictSame([...one.docs().files], [...other.docs().files])
  t.equal(one.docs().reference, other.docs().reference)
})

t.test('JSON Schemas compile in strict mode, each by itself, and their examples fit', async t => {
  t.ok(schemas.size > 50)
  for (const [name, schema] of schemas) {
    t.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema', name)
    t.equal(schema.$id, `urn:klatsch:schema:${name}`)
    t.equal(schema.title, name)
    t.ok(schema.description, `${name}: described`)
    const ajv = new Ajv2020({ strict: true, strictRequired: true, allErrors: true })
    addFormats.default(ajv)
    const validate = ajv.compile(schema)
    if (!['Bodies', 'ClientEvents', 'Contract', 'ServerEvents'].includes(name)) t.ok(schema.examples!.length > 0, `${name}: has an example`)
    for (const example of schema.examples ?? []) t.ok(validate(example), `${name}: ${ajv.errorsText(validate.errors)}`)
  }
})

t.test('every field says what it is, and shows it unless its type does', async t => {
  for (const [name, schema] of Object.entries(schemas.get('Contract')!.$defs!)) {
    for (const [field, { description, examples, type, $ref }] of Object.entries(schema.properties ?? {})) {
      if ($ref !== undefined) continue
      t.ok(description, `${name}.${field}: described`)
      if (type === 'string' || type === 'integer' || type === 'number') t.ok(examples, `${name}.${field}: an example`)
    }
  }
})

t.test('every field and every example of a field fits', async t => {
  const ajv = new Ajv2020({ strict: true })
  addFormats.default(ajv)
  let count = 0
  for (const [name, schema] of Object.entries(schemas.get('Contract')!.$defs!)) {
    for (const [field, property] of Object.entries(schema.properties ?? {})) {
      for (const example of property.examples ?? []) {
        count++
        t.ok(ajv.validate(property, example), `${name}.${field}: ${JSON.stringify(example)}`)
      }
    }
  }
  t.ok(count > 50)
})
