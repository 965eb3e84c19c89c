/** Files of the volume, as a tree. */
import { plural } from '../../../../../shared/trace/words'
import { atStep, byteWords, code, said, type KindRows } from '../row'
import { treeOf } from '../tree'

export const files: KindRows = {
  count: (state) => state.files.length,
  rows: (state) =>
    treeOf(state.files, ({ path }) => path).map(({ path, name, depth, below, item }) => ({
      id: path.toUpperCase(),
      title: depth === 0 ? `C:${name}` : name,
      about: item?.folder ? plural(below, 'entry', 'entries') : byteWords(item?.size ?? 0),
      depth,
      words: [path],
      fields: [
        code('Path', `C:${path}`),
        said('Kind', item?.folder ? 'folder' : 'file'),
        ...(item?.folder ? [] : [said('Size', byteWords(item?.size ?? 0))]),
        ...(item?.changed ? [atStep('Changed at', item.changed)] : []),
      ],
    })),
}
