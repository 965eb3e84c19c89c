/** The machine, its processors, interrupts and registers. */
import { irqlName, plural } from '../../../../../shared/trace/words'
import { lookUp } from '../look-up'
import { atStep, code, hex, said, timeWords, type KindRows } from '../row'

const machine: KindRows = {
  count: (state) => state.processors.length,
  rows(state) {
    const look = lookUp(state)
    return [
      {
        id: 'machine',
        title: 'Machine',
        about: state.power,
        words: ['power.system'],
        fields: [
          said('System power state', state.power),
          said('Time', `${timeWords(state.tick)} after boot`),
          said('Processors', state.processors.length),
          ...(state.bugcheck
            ? [
                code('Bug check', `${state.bugcheck.name} (${state.bugcheck.code})`),
                atStep('Stopped at', state.bugcheck.seq),
              ]
            : []),
          ...(state.stop
            ? [code('Verifier stop', state.stop.rule), atStep('Found at', state.stop.seq)]
            : []),
          ...(state.outcome === null ? [] : [said('Outcome', state.outcome)]),
        ],
      },
      ...state.processors.map(({ cpu, irql, thread, process, driver, seq }) => ({
        id: `cpu ${cpu}`,
        title: `Processor ${cpu}`,
        about: cpu === state.cpu ? `${irqlName(irql)}, acts now` : irqlName(irql),
        words: [`"cpu":${cpu},`],
        fields: [
          code('IRQL', irqlName(irql)),
          thread === 0 ? said('Thread', 'idle') : look.thread('Thread', thread),
          look.process('Process', process),
          ...(driver === null ? [] : [look.driver('Driver', driver)]),
          ...(seq === 0 ? [] : [atStep('Acted last at', seq)]),
          ...(cpu === state.cpu ? state.frames.map((frame) => look.routine('In', frame.name)) : []),
        ],
      })),
    ]
  },
}

const interrupts: KindRows = {
  count: ({ hardware }) => hardware.interrupts.length,
  rows: (state) =>
    state.hardware.interrupts.map(({ interrupt, vector, level, routine, device, delivered }) => ({
      id: interrupt,
      title: `Vector ${hex(vector)}`,
      about: `${device ?? 'no device'}, ${plural(delivered, 'interrupt')}`,
      words: [interrupt, `"vector":${vector}`],
      fields: [
        lookUp(state).routine('Service routine', routine),
        code('Vector', hex(vector)),
        said('IRQL', irqlName(level)),
        said('Device', device ?? 'none'),
        said('Delivered', delivered),
        code('Address', interrupt),
      ],
    })),
}

const lines: KindRows = {
  count: ({ hardware }) => hardware.lines.length,
  rows: ({ hardware }) =>
    hardware.lines.map(({ device, vector, level, masked }) => {
      const connected = hardware.interrupts.find((item) => item.vector === vector)
      return {
        id: String(vector),
        title: `Vector ${hex(vector)}`,
        about: masked ? 'nobody is connected' : 'waits to be delivered',
        words: [`"vector":${vector}`],
        fields: [
          code(
            'Vector',
            hex(vector),
            connected ? { kind: 'interrupts', id: connected.interrupt } : null,
          ),
          said('State', masked ? 'raised, nobody is connected' : 'raised, waits to be delivered'),
          said('Device', device ?? 'none'),
          said('IRQL', irqlName(level)),
        ],
      }
    }),
}

const registers: KindRows = {
  count: ({ hardware }) => hardware.registers.length,
  rows: ({ hardware }) =>
    hardware.registers.map(({ register, value }) => ({
      id: register,
      title: register,
      about: value,
      words: [register],
      fields: [code('Register', register), code('Value', value)],
    })),
}

export const hardwareKinds = { machine, interrupts, lines, registers }
