/* global makeKit, makeFunctions, makeFrames, makeMemory, makeTypes, makeMarshal, makeLanguage, lockDown */
/** Puts the parts together; what it gives back is what the host holds on to. */
export function start(h, control, physical, tables) {
  const { N } = tables
  const kit = makeKit(h, control, physical, N)
  const { M } = kit
  const { WORD } = N
  /** Whose function an id is: filled at each load. */
  const owners = new Map()
  kit.owners = owners
  const functions = makeFunctions(kit, owners)
  kit.indexOfPointer = functions.indexOfPointer
  kit.registered = functions.registered
  const frames = makeFrames(kit)

  const units = []
  const modes = [null, null]
  /** Kernel and user mode see memory through different page tables, so each has its own views. */
  function mode(user) {
    const known = modes[user ? 1 : 0]
    if (known !== null) return known
    const memory = makeMemory(kit, user ? N.CONTROL.userPtes : N.CONTROL.kernelPtes)
    const types = makeTypes(kit, memory, functions, tables)
    const marshal = makeMarshal(kit, memory, functions, frames)
    const stubs = { __proto__: null }
    const routines = tables.routines(kit, types)
    const starters = []
    const made = {
      runtime: makeLanguage(kit, memory, types, functions, frames, stubs),
      routine: (id) => starters[id] ?? (starters[id] = routines[id]()),
      /** Stubs come with the code that uses them. */
      add(make) {
        const more = make(kit, types, functions, frames, marshal)
        for (const name in more) stubs[name] = more[name]
      },
    }
    modes[user ? 1 : 0] = made
    return made
  }

  /** Evaluate the modules of a unit for an image; gives the address of its entry function. */
  kit.load = (number) => {
    const unit = units[number]
    const { runtime, routine } = mode(unit.user)
    const owner = {
      image: M[WORD.image],
      base: M[WORD.locationBase],
      user: unit.user,
      functionBase: M[WORD.functionBase],
      routine,
    }
    for (let id = 1; id <= unit.functions; id++) owners.set(owner.functionBase + id, owner)
    frames.become(owner)
    const rt = runtime(owner)
    const exported = new Map()
    for (const { file } of unit.modules) exported.set(file, { __proto__: null })
    for (const { file, imports, factory } of unit.modules) {
      const needed = []
      for (const other of imports) needed.push(exported.get(other))
      factory(rt, needed, exported.get(file))
    }
    const main = exported.get(unit.entry)[unit.main]
    return typeof main === 'function' ? (main.$a ?? functions.indexOfPointer(main, false)) : 0
  }

  const stuck = lockDown(kit)
  return {
    __proto__: null,
    stuck,
    run: frames.run,
    stubs: (user, make) => mode(user === 1).add(make),
    /** Announce a set of modules; `module` adds them in the order of evaluation. */
    unit(user, functionCount, entry, main) {
      units.push({ user: user === 1, functions: functionCount, entry, main, modules: [] })
    },
    module(file, imports, factory) {
      const list = imports === '' ? [] : kit.split(imports, '\n')
      units[units.length - 1].modules.push({ file, imports: list, factory })
    },
  }
}
