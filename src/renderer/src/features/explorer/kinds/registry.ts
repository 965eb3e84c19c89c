/** The registry, as far as the run touched it. */
import { plural } from '../../../../../shared/trace/words'
import { code, said, type KindRows } from '../row'
import { treeOf } from '../tree'

export const registry: KindRows = {
  count: ({ executive }) => executive.registry.length,
  rows: ({ executive }) =>
    treeOf(executive.registry, ({ key }) => key, true).map(
      ({ path, name, depth, below, item }) => ({
        id: path.toUpperCase(),
        title: name,
        about: item?.values.length ? plural(item.values.length, 'value') : '',
        depth,
        words: [item?.key ?? path],
        fields: [
          code('Key', item?.key ?? path),
          ...(below > 0 ? [said('Keys below', below)] : []),
          ...(item?.values ?? []).map((value) =>
            code(value.name || '(default)', value.data ?? 'not shown'),
          ),
        ],
      }),
    ),
}
