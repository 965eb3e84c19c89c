/** Matching events and rows of tables by their fields. */
export {
  AnyMatch,
  Match,
  MatchValue,
  MODIFIERS,
  compileAny,
  compileMatch,
  eventTypesOf,
  readKey,
  type Matcher,
  type Modifier,
} from './match'
export { canonical, headerValue, magnitude } from './value'
export { fieldAt } from './field'
export { matchWords } from './words'
