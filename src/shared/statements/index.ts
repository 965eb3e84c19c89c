/** What has to be true of a run, as data, and whether it is. */
export { Count, Statement, Statements, type Same } from './schema'
export { StatementRun, evaluate, type RunEnd, type StatementResult, type WholeRun } from './run'
