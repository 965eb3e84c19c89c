import { defineStore } from 'pinia'
import { ref } from 'vue'

export interface Breakpoint {
  file: string
  line: number
}

/** Lines that stop a walk through the trace. */
export const useBreakpoints = defineStore('breakpoints', () => {
  const points = ref<Breakpoint[]>([])

  const has = (file: string, line: number): boolean =>
    points.value.some((point) => point.file === file && point.line === line)

  function toggle(file: string, line: number): void {
    points.value = has(file, line)
      ? points.value.filter((point) => point.file !== file || point.line !== line)
      : [...points.value, { file, line }]
  }

  function clear(): void {
    points.value = []
  }

  /** Lines of a file, as the editor moved them while text above them changed. */
  function setLines(file: string, lines: number[]): void {
    points.value = [
      ...points.value.filter((point) => point.file !== file),
      ...lines.map((line) => ({ file, line })),
    ]
  }

  return { points, has, toggle, clear, setLines }
})
