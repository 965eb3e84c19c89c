/** Memory: pool, sections and their views, physical memory, pages that are out, what was left behind. */
import { grouped, leakNoun, placeWords, plural } from '../../../../../shared/trace/words'
import { lookUp } from '../look-up'
import { atStep, byteWords, code, said, type Field, type KindRows } from '../row'

const pool: KindRows = {
  count: ({ pool }) => pool.blocks.length + pool.recentlyFreed.length,
  rows: ({ pool }) =>
    [...pool.blocks, ...pool.recentlyFreed].map((block) => ({
      id: `${block.block}:${block.allocatedAt}`,
      title: `${block.tag} ${block.block}`,
      about: `${byteWords(block.bytes)}, ${block.freedAt === null ? block.pool : `freed at #${grouped(block.freedAt)}`}`,
      words: [block.block],
      fields: [
        code('Tag', block.tag),
        said('Size', byteWords(block.bytes)),
        said('Pool', block.pool),
        said('State', block.freedAt === null ? 'in use' : 'freed'),
        atStep('Taken at', block.allocatedAt),
        ...(block.freedAt === null ? [] : [atStep('Freed at', block.freedAt)]),
        ...(block.at ? [said('Taken by', placeWords(block.at))] : []),
        code('Address', block.block),
      ],
    })),
}

const sections: KindRows = {
  count: ({ hardware }) => hardware.sections.length,
  rows: (state) =>
    state.hardware.sections.map(({ section, name, bytes, backing }) => ({
      id: section,
      title: name ?? section,
      about: byteWords(bytes),
      words: [section, ...(name === null ? [] : [name])],
      fields: [
        lookUp(state).object('Object', section),
        said('Size', byteWords(bytes)),
        said('Backed by', backing),
        ...state.hardware.views
          .filter((view) => view.section === (name ?? section))
          .map(({ view }) => code('View', view, { kind: 'views', id: view })),
      ],
    })),
}

const views: KindRows = {
  count: ({ hardware }) => hardware.views.length,
  rows: (state) =>
    state.hardware.views.map(({ view, bytes, section, owner, offset, protection }) => {
      const found = state.hardware.sections.find((item) => (item.name ?? item.section) === section)
      return {
        id: view,
        title: view,
        about: `${byteWords(bytes)}, ${protection}`,
        words: [view],
        fields: [
          code('Section', section, found ? { kind: 'sections', id: found.section } : null),
          code('Offset', offset),
          said('Size', byteWords(bytes)),
          said('Protection', protection),
          owner === null ? said('In', 'system space') : lookUp(state).process('In', owner),
        ],
      }
    }),
}

const mappings: KindRows = {
  count: ({ hardware }) => hardware.mappings.length,
  rows: ({ hardware }) =>
    hardware.mappings.map(({ mapping, physical, bytes, what }) => ({
      id: mapping,
      title: physical,
      about: what,
      words: [mapping, physical],
      fields: [
        said('What is there', what),
        code('Physical address', physical),
        code('Mapped at', mapping),
        said('Size', byteWords(bytes)),
      ],
    })),
}

const frames: KindRows = {
  count: ({ hardware }) => hardware.frames.length,
  rows: ({ hardware }) =>
    hardware.frames.map(({ block, bytes, physical, by }) => ({
      id: block,
      title: physical,
      about: byteWords(bytes),
      words: [block],
      fields: [
        code('Physical address', physical),
        code('Mapped at', block),
        said('Size', byteWords(bytes)),
        code('Taken with', by),
      ],
    })),
}

const pagesOut: KindRows = {
  count: ({ hardware }) => hardware.pagesOut.length,
  rows: ({ hardware }) =>
    hardware.pagesOut.map((page) => ({
      id: page,
      title: page,
      about: 'in the page file',
      words: [page],
      fields: [code('Address', page), said('State', 'in the page file')],
    })),
}

const leaks: KindRows = {
  count: (state) => state.leaks.length,
  rows: (state) =>
    state.leaks.map(({ kind, tag, bytes, count, name }) => ({
      id: `${kind} ${tag ?? name ?? ''}`,
      title: tag ?? name ?? leakNoun(kind),
      about: plural(count, leakNoun(kind)),
      words: [tag ?? name ?? leakNoun(kind)],
      fields: [
        said('What', leakNoun(kind)),
        ...optional('Tag', tag),
        ...optional('Name', name),
        said('How many', grouped(count)),
        ...(bytes === undefined ? [] : [said('Size', byteWords(bytes))]),
      ],
    })),
}

const optional = (name: string, value: string | undefined): Field[] =>
  value === undefined ? [] : [code(name, value)]

export const memoryKinds = { pool, sections, views, mappings, frames, pagesOut, leaks }
