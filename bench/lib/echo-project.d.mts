export const ECHO: string
export function echoProject(requests: number): Record<string, string>
