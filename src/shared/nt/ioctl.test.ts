import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FILE_ANY_ACCESS, FILE_DEVICE_UNKNOWN, METHOD_BUFFERED, METHOD_NEITHER } from './constants'
import { CTL_CODE, accessOf, decodeControlCode, deviceTypeOf, functionOf, methodOf } from './ioctl'

describe('CTL_CODE', () => {
  it('gives the codes that the C macro gives', () => {
    // IOCTL_DISK_GET_DRIVE_GEOMETRY and IOCTL_STORAGE_EJECT_MEDIA of the public headers.
    expect(CTL_CODE(7, 0, 0, 0)).toBe(0x00070000)
    expect(CTL_CODE(0x2d, 0x202, 0, 1)).toBe(0x002d4808)
    expect(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)).toBe(0x222000)
    expect(CTL_CODE(0x8000, 0x800, METHOD_NEITHER, 3)).toBe(0x8000e003)
  })

  it('comes apart into what it was made of', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 0, max: 0xfff }),
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: 3 }),
        (deviceType, functionCode, method, access) => {
          const code = CTL_CODE(deviceType, functionCode, method, access)
          expect(code).toBe(deviceType * 0x10000 + access * 0x4000 + functionCode * 4 + method)
          expect(decodeControlCode(code)).toMatchObject({
            code,
            deviceType,
            function: functionCode,
            method,
            access,
          })
        },
      ),
    )
  })

  it('goes both ways for any 32-bit value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (code) => {
        expect(CTL_CODE(deviceTypeOf(code), functionOf(code), methodOf(code), accessOf(code))).toBe(
          code,
        )
      }),
    )
  })

  it('names the fields', () => {
    expect(decodeControlCode(0x222003)).toMatchObject({
      deviceTypeName: 'FILE_DEVICE_UNKNOWN',
      methodName: 'METHOD_NEITHER',
      accessName: 'FILE_ANY_ACCESS',
    })
    expect(decodeControlCode(0x8000e000)).toMatchObject({
      deviceTypeName: '0x8000',
      methodName: 'METHOD_BUFFERED',
      accessName: 'FILE_READ_ACCESS | FILE_WRITE_ACCESS',
    })
  })
})
