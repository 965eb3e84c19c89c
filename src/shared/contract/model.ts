/** Shapes shared by the contract's areas: projects, scenarios, reports. zod, because they are parsed at borders. */
import { z } from 'zod'
import { DefenceName, DefenceNames } from '../defences'
import { LoadPolicy, Verdict } from '../package/policy'
import { SigningPlan } from '../package/signing'

/** Files of a driver folder. */
export const FILES_MAX = 200

/** A driver folder as text: `driver.ts`, its modules, optionally `client.ts`, `scenario.json`, `README.md`. */
export const ProjectFiles = z
  .record(z.string().max(260), z.string().max(1_000_000))
  .refine((files) => Object.keys(files).length <= FILES_MAX, {
    message: `a folder has at most ${FILES_MAX} files`,
  })
export type ProjectFiles = z.infer<typeof ProjectFiles>

/** Presets of Driver Verifier options; rule ids (`VR-...`) may be named one by one. */
export const VerifierOption = z.enum([
  'special-pool',
  'force-irql',
  'low-resources',
  'pool-tracking',
  'io',
  'deadlock',
  'ddi-compliance',
  'security',
  'all',
])
export type VerifierOption = z.infer<typeof VerifierOption>

/** Text of at most so many characters; what is longer is told in words. */
const text = (charactersMax: number): z.ZodString =>
  z.string().max(charactersMax, `longer than ${charactersMax} characters`)
/** A list of at most so many items. */
const list = <T extends z.ZodType>(item: T, itemsMax: number): z.ZodArray<T> =>
  z.array(item).max(itemsMax, `more than ${itemsMax} of them`)

/** What one call of a program can take along, in bytes. */
const BYTES_MAX = 1 << 20
/** A path of Windows: what a UNICODE_STRING can hold. */
const Path = text(32_767)
/** A name that the scenario gives to a handle or a device. */
const Name = text(64)
/** A device by such a name, its id, or its path in the device tree. */
const DeviceName = text(1024)
const FileName = text(260)

const Bytes = z.union([
  z.strictObject({ text: text(BYTES_MAX) }),
  z.strictObject({ hex: text(2 * BYTES_MAX).regex(/^([0-9a-fA-F]{2})*$/) }),
  z.strictObject({ zeros: z.number().int().min(0).max(BYTES_MAX) }),
])

/** `BUS\Device`, as a bus driver names what it finds. */
const DeviceId = z
  .string()
  .regex(/^[\x21-\x2b\x2d-\x5b\x5d-\x7e]{1,100}\\[\x21-\x2b\x2d-\x5b\x5d-\x7e]{1,99}$/)
const ServiceName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)
const FILTERS_MAX = 64
const PARAMETERS_MAX = 256

/** Values of a service's subkey Parameters: a number is a REG_DWORD, a text a REG_SZ. */
const Parameters = z
  .record(text(255), z.union([z.number().int(), text(32_767)]))
  .refine((values) => Object.keys(values).length <= PARAMETERS_MAX, {
    message: `more than ${PARAMETERS_MAX} of them`,
  })

/** What the installation file of a device would say: which drivers serve it. */
export const ScenarioDevice = z.strictObject({
  /** Hardware id or compatible id. */
  id: DeviceId,
  /** Function driver. */
  service: ServiceName.optional(),
  lowerFilters: list(ServiceName, FILTERS_MAX).default([]),
  upperFilters: list(ServiceName, FILTERS_MAX).default([]),
  class: text(64).min(1).optional(),
  description: text(200).optional(),
  /** It sits on the machine's own bus from the start. */
  plugged: z.boolean().default(false),
})
export type ScenarioDevice = z.infer<typeof ScenarioDevice>

/** Processors of a machine. */
export const ProcessorCount = z.number().int().min(1).max(8)

/** The simulated devices of the board: a serial port, and a PCI device that moves bytes by itself. */
const HardwareName = z.enum(['uart0', 'dma0'])

const Access = list(z.enum(['read', 'write']), 2).default(['read', 'write'])

/** Printable ASCII, and Backspace, Tab, Enter, Ctrl+Z, Esc. */
const canBeTyped = (typed: string): boolean =>
  [...typed].every((char) => (char >= ' ' && char <= '~') || '\b\t\n\u001a\u001b'.includes(char))

/** One step of a scenario. `handle` names are the scenario's own words; `repeat` makes a load test of a step. */
export const ScenarioStep = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('open'),
    path: Path,
    as: Name.default('h'),
    access: Access,
    overlapped: z.boolean().default(false),
  }),
  z.strictObject({
    do: z.literal('ioctl'),
    handle: Name.default('h'),
    code: z.union([z.number().int(), text(200)]),
    input: Bytes.optional(),
    outputLength: z.number().int().min(0).max(BYTES_MAX).default(0),
    repeat: z.number().int().min(1).max(10_000_000).default(1),
  }),
  z.strictObject({
    do: z.literal('read'),
    handle: Name.default('h'),
    length: z.number().int().min(0).max(BYTES_MAX),
    repeat: z.number().int().min(1).max(10_000_000).default(1),
  }),
  z.strictObject({
    do: z.literal('write'),
    handle: Name.default('h'),
    data: Bytes,
    repeat: z.number().int().min(1).max(10_000_000).default(1),
  }),
  z.strictObject({ do: z.literal('cancel'), handle: Name.default('h') }),
  z.strictObject({ do: z.literal('close'), handle: Name.default('h') }),
  z.strictObject({ do: z.literal('wait'), milliseconds: z.number().min(0).max(3_600_000) }),
  z.strictObject({ do: z.literal('unload'), driver: Name.optional() }),
  z.strictObject({
    do: z.literal('openInterface'),
    interface: text(64),
    index: z.number().int().min(0).max(1000).default(0),
    as: Name.default('h'),
    access: Access,
    overlapped: z.boolean().default(false),
  }),
  z.strictObject({ do: z.literal('plug'), device: DeviceId, as: DeviceName.optional() }),
  z.strictObject({ do: z.literal('unplug'), device: DeviceName }),
  z.strictObject({ do: z.literal('surpriseRemove'), device: DeviceName }),
  z.strictObject({ do: z.literal('restart'), device: DeviceName }),
  z.strictObject({ do: z.literal('power'), to: z.enum(['sleep', 'hibernate', 'wake']) }),
  z.strictObject({ do: z.literal('shutdown') }),
  z.strictObject({ do: z.literal('input'), device: HardwareName, data: Bytes }),
  z.strictObject({
    do: z.literal('interrupt'),
    device: HardwareName,
    repeat: z.number().int().min(1).max(10_000).default(1),
  }),
  /** Somebody types on the keyboard; \n is Enter, \u001a Ctrl+Z. */
  z.strictObject({
    do: z.literal('type'),
    text: text(1000).refine(canBeTyped, 'has characters that the keyboard has not'),
  }),
  z.strictObject({ do: z.literal('pageOut'), pages: z.number().int().min(1).optional() }),
])
export type ScenarioStep = z.infer<typeof ScenarioStep>

/** Steps of one program; what is done often is `repeat`ed or done by a client program. */
const STEPS_MAX = 10_000

/** Whom a program of a scenario runs as: an administrator from an elevated prompt, or a plain user. */
const Account = z.enum(['admin', 'user'])

/** Path of a file on the volume, without characters that names cannot have. */
const VolumePath = Path.regex(/^[Cc]:\\(?:[^\\/:*?"<>|]{1,255}\\)*[^\\/:*?"<>|]{1,255}$/)

/** A program that a scenario starts: a process of its own with a `main`. */
export const ScenarioProgram = z.strictObject({
  /** What its process is called, `browser.exe`. */
  name: FileName.min(1),
  /** A file of the folder that exports `main`, or `world/NAME.ts`, which the lab has. */
  entry: FileName,
  /** What follows its name on the command line. */
  arguments: text(1000).optional(),
  user: Account.optional(),
  /** It runs as SYSTEM, protected as an antimalware service is. */
  protected: z.boolean().default(false),
  /** The run does not wait for it: it is ended when all others have ended. */
  resident: z.boolean().default(false),
})
export type ScenarioProgram = z.infer<typeof ScenarioProgram>

const HostName = z.string().regex(/^(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/)
const Address = z.ipv4()
const PortNumber = z.number().int().min(1).max(65_535)

/** A machine on the other side of the network. */
export const ScenarioHost = z.strictObject({
  name: HostName,
  address: Address,
  ports: list(
    z.strictObject({
      port: PortNumber,
      /** What a web server there has, by path: `"/"`. */
      pages: z
        .record(z.string().regex(/^\/\S{0,200}$/), text(4000))
        .refine((pages) => Object.keys(pages).length <= 200, { message: 'more than 200 pages' })
        .optional(),
      /** Replies to what contains the request. */
      answers: list(
        z.strictObject({ request: text(200).min(1), reply: text(4000) }),
        64,
      ).optional(),
    }),
    64,
  ),
})
export type ScenarioHost = z.infer<typeof ScenarioHost>

/** `scenario.json`: which drivers are loaded, in order, and what user mode asks of them. */
export const Scenario = z.strictObject({
  name: text(200).optional(),
  seed: z.number().int().optional(),
  /** Processors of the machine, 1 by default. */
  processors: ProcessorCount.optional(),
  /** Whether the machine starts again after a bug check; `false` by default. */
  reboot: z.boolean().optional(),
  /** Platform of the machine; `x64` by default. */
  hal: z.enum(['x64', 'arm64']).optional(),
  /** Whether pageable memory leaves below DISPATCH_LEVEL too; `none` by default. */
  paging: z.enum(['none', 'pressure']).optional(),
  /** What stands around the drivers: a small Windows, or nothing, which is the default. */
  world: z.enum(['windows']).optional(),
  /** What the machine defends itself by; nothing by default. */
  defences: DefenceNames.optional(),
  /** Files and folders of the small Windows, by path: `C:\\Users\\student\\secret.txt`. */
  files: z
    .record(VolumePath, z.union([...Bytes.options, z.strictObject({ folder: z.literal(true) })]))
    .refine((files) => Object.keys(files).length <= 1000, { message: 'more than 1000 files' })
    .optional(),
  /** Machines that can be reached over the network of the small Windows, beside those that it has. */
  hosts: list(ScenarioHost, 64).optional(),
  /** Programs that run beside `client.ts` and the steps. */
  programs: list(ScenarioProgram, 64).optional(),
  /** Loaded in this order, unloaded in reverse. Default: the folder's driver.ts alone. */
  drivers: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
        entry: FileName,
        parameters: Parameters.default({}),
        /** Linked with /INTEGRITYCHECK, which some callbacks ask for; `true` by default. */
        integrityCheck: z.boolean().optional(),
        /** A UMDF driver: it runs in a host process, for the device that names it. */
        umdf: z.boolean().optional(),
        /** How it is signed; asked for where the machine has a policy. */
        signature: SigningPlan.optional(),
        /** `NAME.package.json` of the folder says how, and `NAME.inf` is its INF. */
        package: ServiceName.optional(),
      }),
    )
    .max(64)
    .optional(),
  /** By which rules the machine loads drivers; without it every one is loaded. */
  policy: LoadPolicy.optional(),
  /** Whom programs run as that do not say it themselves; `admin` by default. */
  user: Account.optional(),
  /** Registry values under the service key's Parameters (of the only driver). */
  parameters: Parameters.optional(),
  /** Devices of the PnP manager. Their drivers are loaded when a device needs them. */
  devices: list(ScenarioDevice, 256).optional(),
  processes: z
    .array(
      z.strictObject({
        name: FileName.min(1),
        user: Account.optional(),
        steps: list(ScenarioStep, STEPS_MAX),
      }),
    )
    .max(256)
    .optional(),
  steps: list(ScenarioStep, STEPS_MAX).optional(),
  /** Whether the drivers are unloaded at the end. */
  unload: z.boolean().default(true),
})
export type Scenario = z.infer<typeof Scenario>

export const Place = z.object({ file: z.string(), line: z.number(), column: z.number().optional() })

/** A change of the sources that mends what a diagnostic says; places as in the sources that were checked. */
export const SourceFix = z.object({
  title: z.string(),
  edits: z.array(
    z.object({
      file: z.string(),
      line: z.number(),
      column: z.number(),
      endLine: z.number(),
      endColumn: z.number(),
      text: z.string(),
    }),
  ),
})
export type SourceFix = z.infer<typeof SourceFix>

/** A mistake found in source text before the run. */
export const Diagnostic = z.object({
  code: z.string(),
  severity: z.enum(['error', 'warning']),
  file: z.string(),
  line: z.number(),
  column: z.number(),
  endLine: z.number(),
  endColumn: z.number(),
  message: z.string(),
  hint: z.string(),
  docs: z.string().optional(),
  /** Where one is safe. */
  fix: SourceFix.optional(),
})
export type Diagnostic = z.infer<typeof Diagnostic>

const Outcome = z.enum([
  'ok',
  'compile-error',
  'load-failed',
  'bugcheck',
  'verifier-stop',
  'leak',
  'hang',
  'limit',
])

/** The bug check card: what, first cause, where, what to change, how to repeat it. */
export const StopReport = z.object({
  code: z.string(),
  name: z.string(),
  parameters: z.array(z.string()).length(4),
  parameterMeanings: z.array(z.string()).length(4),
  what: z.string(),
  firstCause: z.object({
    text: z.string(),
    seq: z.number().nullable(),
    at: Place.nullable().optional(),
  }),
  at: Place.nullable(),
  seq: z.number(),
  stack: z.array(z.object({ frame: z.string(), at: Place.nullable() })),
  verifier: z.string().nullable(),
  fix: z.string(),
})
export type StopReport = z.infer<typeof StopReport>

/** What a machine writes when it stops: with the request, which replays the run, a whole dump. */
export const CrashDump = z.object({
  tick: z.number(),
  /** Of all simulated memory after the callbacks; equal machines have equal digests. */
  digest: z.string(),
  /** What each processor was at, innermost frame first. */
  processors: z.array(
    z.object({
      number: z.number(),
      irql: z.number(),
      thread: z.number(),
      process: z.number(),
      stack: z.array(z.object({ frame: z.string(), at: Place.nullable() })),
    }),
  ),
  modules: z.array(z.object({ name: z.string(), base: z.string(), size: z.number() })),
  /** What bug check callbacks left, in hexadecimal. */
  callbacks: z.array(z.object({ component: z.string(), routine: z.string(), data: z.string() })),
})
export type CrashDump = z.infer<typeof CrashDump>

/** What a defence said while a machine ran: a line that begins with ALERT, of its program or its driver. */
export const DefenceAlert = z.object({
  defence: DefenceName,
  /** The event that it was said with. */
  seq: z.number(),
  text: z.string(),
})
export type DefenceAlert = z.infer<typeof DefenceAlert>

const Row = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]))
  .readonly()
/** Memory tables by name (`shared/memory/tables.ts`); null where they could not be taken. */
const MemoryTables = z.record(z.string(), z.array(Row).readonly()).readonly().nullable()

/**
 * The report of one run: the document that `ring0 run --json` prints, and what is kept in SQLite.
 * NTSTATUS and codes are `0xC0000010`, pointers 16 digits.
 */
export const RunReport = z.object({
  schema: z.literal('ring0-run/1'),
  outcome: Outcome,
  driverEntry: z.object({ status: z.string() }).nullable(),
  requests: z.array(
    z.object({
      api: z.string(),
      major: z.string(),
      minor: z.string().optional(),
      ioctl: z.string().optional(),
      status: z.string(),
      information: z.number(),
    }),
  ),
  bugcheck: z
    .object({
      code: z.string(),
      name: z.string(),
      parameters: z.array(z.string()).length(4),
      at: Place.nullable(),
    })
    .optional(),
  report: StopReport.optional(),
  /** Of a bug check or a verifier stop. */
  dump: CrashDump.optional(),
  /** Boots after a crash, where the machine was told to reboot. */
  boots: z
    .array(
      z.object({
        boot: z.number(),
        /** Services that were loaded, and with what status. */
        loaded: z.array(z.object({ name: z.string(), status: z.string() })),
        outcome: Outcome,
        summary: z.string(),
      }),
    )
    .optional(),
  /** What defences said, the first 200 times; missing when they said nothing. */
  alerts: z.array(DefenceAlert).optional(),
  /** What the machine's policy said of each image, where it has one. */
  verdicts: z.array(Verdict.extend({ driver: z.string() })).optional(),
  /** Rules of the verifier that were broken without a stop. */
  warnings: z
    .array(
      z.object({
        rule: z.string(),
        what: z.string(),
        at: Place.nullable(),
        seq: z.number(),
        /** With what it began, where the rule knows. */
        first: z.object({ text: z.string(), at: Place.nullable() }).optional(),
        fix: z.string().optional(),
      }),
    )
    .optional(),
  leaks: z.array(
    z.object({
      kind: z.string(),
      tag: z.string().optional(),
      name: z.string().optional(),
      bytes: z.number().optional(),
      count: z.number(),
      /** Where the first of them was made, when known. */
      at: Place.optional(),
    }),
  ),
  dbgPrint: z.array(z.string()),
  diagnostics: z.array(Diagnostic),
  client: z.object({ exitCode: z.number().nullable(), stdout: z.string() }).optional(),
  /** Of a run that was asked for them: before the drivers were loaded, and at the end. */
  tables: z.object({ before: MemoryTables, after: MemoryTables }).optional(),
  /** One sentence for a hang or a limit. */
  reason: z.string().optional(),
  seed: z.number(),
  /** Processors of the machine; missing for one. */
  processors: z.number().optional(),
  verifier: z.array(z.string()),
  stats: z.object({
    events: z.number(),
    ticks: z.number(),
    irps: z.number(),
    /** Requests of user mode; `requests` lists the first 2,000 of them. */
    requests: z.number(),
    ddiCalls: z.number(),
    poolBytesMax: z.number(),
  }),
})
export type RunReport = z.infer<typeof RunReport>

export const RunRequest = z.object({
  files: ProjectFiles,
  seed: z.number().int().default(1),
  /** Takes the place of what the scenario says. */
  processors: ProcessorCount.optional(),
  verifier: list(z.string().max(64), 256).default([]),
  trace: z.enum(['off', 'full']).default('full'),
  /** Whether the memory tables are taken. */
  tables: z.boolean().optional(),
  /** File that is loaded in place of driver.ts, `fixed.ts` for instance. */
  driver: z.string().max(260).optional(),
  /** Overrides the folder's own scenario.json. */
  scenario: Scenario.optional(),
  /** Defences of the machine, besides those that the scenario names. */
  defences: DefenceNames.optional(),
})
export type RunRequest = z.infer<typeof RunRequest>
