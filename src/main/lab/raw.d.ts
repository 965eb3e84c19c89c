/** Files imported as text. */
declare module '*.ts?raw' {
  const text: string
  export default text
}
