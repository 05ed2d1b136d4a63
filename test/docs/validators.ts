import type { TSchema } from '@sinclair/typebox'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { entities } from '../../schemas/index.ts'

/** Compiles schemas strictly, with every entity at hand. */
export function createValidators (): (schema: TSchema) => ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: true })
  addFormats.default(ajv, ['uuid', 'date-time'])
  ajv.addSchema(entities)
  return schema => ajv.compile(schema)
}
