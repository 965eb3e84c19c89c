import { describe, expect, test } from 'vitest'
import { accessCheck, type Subject } from './access'
import { ace, descriptor } from './descriptor'
import { INTEGRITY, integritySid, SIDS } from './sid'

const MAPPING = { read: 0x12_0089, write: 0x12_0116, execute: 0x12_00a0, all: 0x1f_01ff }
const READ = 0x8000_0000
const WRITE = 0x4000_0000
const ALL = 0x1000_0000
const MAXIMUM = 0x0200_0000
const DENIED = 0xc0000022

function subject(options: Partial<Subject> & { privileges?: number[] } = {}): Subject {
  return {
    user: 'S-1-5-21-1-2-3-1001',
    enabled: new Set(['S-1-5-21-1-2-3-1001', SIDS.everyone, SIDS.users]),
    denyOnly: new Set([SIDS.administrators]),
    integrity: INTEGRITY.medium,
    hasPrivilege: (privilege) => options.privileges?.includes(privilege) ?? false,
    ...options,
  }
}

const check = (sd: Parameters<typeof accessCheck>[0], desired: number, who = subject()) =>
  accessCheck(sd, who, desired, MAPPING)

describe('the DACL', () => {
  test('a denial before a permission denies, behind it it does not', () => {
    const deny = ace('deny', WRITE, SIDS.users)
    const allow = ace('allow', ALL, SIDS.everyone)
    expect(check(descriptor(SIDS.system, [deny, allow]), WRITE).status).toBe(DENIED)
    expect(check(descriptor(SIDS.system, [allow, deny]), WRITE).status).toBe(0)
  })

  test('rights add up over entries, and what is missing denies all', () => {
    const sd = descriptor(SIDS.system, [
      ace('allow', READ, SIDS.everyone),
      ace('allow', WRITE, SIDS.users),
    ])
    expect(check(sd, READ | WRITE)).toMatchObject({ status: 0, granted: 0x12_019f })
    expect(check(sd, ALL)).toMatchObject({ status: DENIED, granted: 0 })
  })

  test('NULL lets everybody in, an empty one nobody', () => {
    expect(check(descriptor(SIDS.system, null), ALL).granted).toBe(0x1f_01ff)
    expect(check(descriptor(SIDS.system, []), READ).status).toBe(DENIED)
  })

  test('a group that is for denials only permits nothing', () => {
    const sd = descriptor(SIDS.system, [ace('allow', ALL, SIDS.administrators)])
    expect(check(sd, READ).status).toBe(DENIED)
    const denied = descriptor(SIDS.system, [
      ace('deny', READ, SIDS.administrators),
      ace('allow', ALL, SIDS.everyone),
    ])
    expect(check(denied, READ).status).toBe(DENIED)
  })

  test('entries to inherit only do not count', () => {
    const sd = descriptor(SIDS.system, [ace('allow', ALL, SIDS.everyone, 8)])
    expect(check(sd, READ).status).toBe(DENIED)
  })

  test('MAXIMUM_ALLOWED gives what there is, and denies where there is nothing', () => {
    const sd = descriptor(SIDS.system, [
      ace('deny', 0x2, SIDS.users),
      ace('allow', READ | WRITE, SIDS.everyone),
    ])
    expect(check(sd, MAXIMUM).granted).toBe(0x12_019f & ~2)
    expect(check(descriptor(SIDS.system, []), MAXIMUM).status).toBe(DENIED)
  })
})

describe('beside the DACL', () => {
  test('the owner reads and changes it, unless OWNER RIGHTS says otherwise', () => {
    const own = descriptor('S-1-5-21-1-2-3-1001', [])
    expect(check(own, 0x6_0000).status).toBe(0)
    expect(check(own, READ).status).toBe(DENIED)
    const limited = descriptor('S-1-5-21-1-2-3-1001', [ace('allow', 0x2_0000, SIDS.ownerRights)])
    expect(check(limited, 0x4_0000).status).toBe(DENIED)
  })

  test('privileges stand for rights', () => {
    const sd = descriptor(SIDS.system, [])
    expect(check(sd, 0x8_0000).status).toBe(DENIED)
    expect(check(sd, 0x8_0000, subject({ privileges: [9] }))).toEqual({
      status: 0,
      granted: 0x8_0000,
      privileges: [9],
    })
    expect(check(sd, 0x0100_0000).status).toBe(0xc0000061)
    expect(check(sd, 0x0100_0000, subject({ privileges: [8] })).status).toBe(0)
  })

  test('nobody writes up', () => {
    const label = [ace('label', 1, integritySid(INTEGRITY.high))]
    const sd = descriptor(SIDS.system, [ace('allow', ALL, SIDS.everyone)], label)
    expect(check(sd, WRITE).status).toBe(DENIED)
    expect(check(sd, READ).status).toBe(0)
    expect(check(sd, WRITE, subject({ integrity: INTEGRITY.high })).status).toBe(0)
    const low = subject({ integrity: INTEGRITY.low })
    // Not even the owner, who may otherwise always change the list.
    const own = descriptor(low.user, [ace('allow', READ, SIDS.everyone)], label)
    expect(check(own, MAXIMUM, low)).toMatchObject({ status: 0, granted: MAPPING.read })
    expect(check(own, 0x4_0000, low).status).toBe(DENIED)
    const unlabelled = descriptor(SIDS.system, [ace('allow', ALL, SIDS.everyone)])
    expect(check(unlabelled, WRITE, low).status).toBe(DENIED)
  })
})
