/** Detections: rules over the trace and over memory tables, and the alarms they raise. */
export { ConditionError, parseCondition, readDuration, type Condition } from './condition'
export { LEVELS, Rule, RuleTest, searchesOf, type Level } from './rule'
export { compileRule, type CompiledRule } from './compile'
export { DetectionRun } from './run'
export { tryInline, verdictOf, type FailedTest } from './try-rule'
export { ruleJsonSchema } from './json-schema'
export type { Alarm } from './alarm'
