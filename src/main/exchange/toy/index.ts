/**
 * "Open as a toy driver": a driver in the Lab's language with the device name, the symbolic link,
 * the dispatch table and the control codes of a real file. It shows the shape that a program meets;
 * what each routine does is left to whoever studies the file. Every line that rests on the file says
 * where in the file that is seen.
 */
import type { ProjectFiles } from '../../../shared/contract/model'
import type { FileDetail } from '../../../shared/contract/files'
import { driverText } from './driver-text'
import { clientText, ioctlText, readmeText } from './other-texts'
import { shapeOf } from './shape'

export interface Toy {
  title: string
  summary: string
  tags: string[]
  files: ProjectFiles
}

/** @returns null when the file has no image to read a driver from */
export function toyOf(detail: FileDetail): Toy | null {
  const { facts } = detail
  if (facts?.image == null || facts.driver === null) return null
  const shape = shapeOf(detail, facts, facts.image, facts.driver)
  return {
    title: `Shape of ${shape.fileName}`.slice(0, 200),
    summary: `A skeleton with the device, dispatch table and control codes of ${shape.fileName}.`,
    tags: ['skeleton'],
    files: {
      'driver.ts': driverText(shape),
      ...(shape.codes.length > 0 ? { 'ioctl.ts': ioctlText(shape) } : {}),
      'client.ts': clientText(shape),
      'scenario.json': `${JSON.stringify(
        {
          name: `open ${shape.fileName} and send each control code`,
          drivers: [{ name: shape.prefix, entry: 'driver.ts' }],
        },
        null,
        2,
      )}\n`,
      'README.md': readmeText(shape),
    },
  }
}
