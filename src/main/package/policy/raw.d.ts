/** Files that the bundler takes in as text. */
declare module '*.xml?raw' {
  const text: string
  export default text
}
