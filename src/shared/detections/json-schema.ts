/** The form of a rule as JSON Schema, for editors. */
import { z } from 'zod'
import { Rule } from './rule'

/** JSON Schema of a detection rule, as it is written: what has a default may be left out. */
export function ruleJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(Rule, {
    // A Match is checked by code in front of it; its form is what comes out.
    io: 'output',
    override({ zodSchema, jsonSchema }) {
      if (!(zodSchema instanceof z.ZodObject) || !jsonSchema.required) return
      const { shape } = zodSchema
      jsonSchema.required = jsonSchema.required.filter(
        (name) => !(shape[name] instanceof z.ZodDefault),
      )
    },
  })
  return { ...schema, title: 'Ring0 Lab detection rule' }
}
