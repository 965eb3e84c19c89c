/** Major and minor function codes of IRPs, their names and what they are for. */

import { hex } from './format'
import {
  MAJOR_FUNCTIONS,
  type MajorFunctionFacts,
  type MinorFunctionFacts,
} from './generated/irp-functions'

export * from './generated/irp-functions'

/** Facts about a major function; undefined above IRP_MJ_MAXIMUM_FUNCTION. */
export function majorInfo(major: number): MajorFunctionFacts | undefined {
  return MAJOR_FUNCTIONS[major]
}

/** Name of a major function, `IRP_MJ_CREATE`; hexadecimal above IRP_MJ_MAXIMUM_FUNCTION. */
export function majorName(major: number): string {
  return MAJOR_FUNCTIONS[major]?.name ?? hex(major)
}

/** Facts about a minor function of a major function. */
export function minorInfo(major: number, minor: number): MinorFunctionFacts | undefined {
  return MAJOR_FUNCTIONS[major]?.minorFunctions.find(({ value }) => value === minor)
}

/** Name of a minor function, `IRP_MN_START_DEVICE`; hexadecimal where the major function has no such one. */
export function minorName(major: number, minor: number): string {
  return minorInfo(major, minor)?.name ?? hex(minor)
}
