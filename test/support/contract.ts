import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { AckOf, clientEvents, entities, ErrorBody, serverEvents } from '../../schemas/index.ts'

/*
 * What klatsch promises to say, checked with formats in full and an Ajv of the tests' own: a mistake in the server's
 * validator must not hide one in its answers.
 */
const ajv = new Ajv({ allErrors: true })
addFormats.default(ajv, ['date-time', 'uuid'])
ajv.addSchema(entities)

const events = new Map(Object.entries(serverEvents).map(([name, { payload }]) => [name, ajv.compile(payload)]))
const acks = new Map(Object.entries(clientEvents).map(([name, { ack }]) => [name, ajv.compile(AckOf(ack))]))
const errorBody = ajv.compile(ErrorBody)

const faultsOf = (validate: ValidateFunction, value: unknown) => validate(value) ? undefined : `${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`

/** What is wrong with an event that the server sent; undefined when it is declared and as declared. */
export function eventFault (name: string, args: readonly unknown[]): string | undefined {
  const validate = events.get(name)
  if (validate === undefined) return `the event ${name} is not declared`
  if (args.length !== 1) return `${name} has ${args.length} arguments`
  const fault = faultsOf(validate, args[0])
  return fault && `${name}: ${fault}`
}

/** What is wrong with an ack; undefined when it is as declared, or a refusal of an event that is not declared. */
export function ackFault (name: string, ack: unknown): string | undefined {
  const fault = faultsOf(acks.get(name) ?? refusal, ack)
  return fault && `ack of ${name}: ${fault}`
}

const refusal = ajv.compile({ type: 'object', required: ['ok', 'error'], additionalProperties: false, properties: { ok: { const: false }, error: { $ref: 'ErrorBody#' } } })

/** What is wrong with an error body. */
export const errorFault = (body: unknown): string | undefined => faultsOf(errorBody, body)
