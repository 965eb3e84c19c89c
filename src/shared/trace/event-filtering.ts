/**
 * What minifilters, the filtering platform and the driver framework tell. `filter`, `instance`, `client`,
 * `queue` and `request` are addresses that name them for as long as they are there; layers, callouts and
 * sublayers are named by their GUIDs, filters of the platform by their ids.
 */

/** Where a connection leads: `10.0.0.2:49152` to `192.168.0.1:443`. */
interface ConnectionWords {
  /** `TCP`, `UDP` or the number. */
  protocol: string
  local: string
  remote: string
  /** Name of the process that connects. */
  program: string
}

export type FilteringEventBody =
  // minifilters
  | {
      t: 'minifilter.registered'
      filter: string
      /** Service of the driver. */
      name: string
      altitude: string
      /** Major functions that it has callbacks for. */
      operations: number[]
    }
  | { t: 'minifilter.started'; filter: string; name: string }
  | {
      t: 'minifilter.attached'
      filter: string
      name: string
      instance: string
      volume: string
    }
  | { t: 'minifilter.removed'; filter: string; name: string }
  /** A callback was asked before an operation, or told after it. */
  | {
      t: 'minifilter.called'
      filter: string
      name: string
      altitude: string
      phase: 'pre' | 'post'
      irp: number
      operation: number
      file: string
      routine: string
      /** `FLT_PREOP_COMPLETE`, or the number of what is none. */
      result: string
      /** Status of the operation: after it, or where the callback ended it; else null. */
      status: string | null
      /** After the operation: the caller gets something else than before the callback. */
      changed?: true
    }
  | { t: 'minifilter.connected'; filter: string; port: string; client: string }
  | { t: 'minifilter.disconnected'; filter: string; port: string; client: string }
  // the filtering platform
  | { t: 'wfp.callout.registered'; callout: string; id: number; routine: string }
  | { t: 'wfp.callout.unregistered'; callout: string; id: number }
  | { t: 'wfp.callout.added'; callout: string; layer: string }
  | { t: 'wfp.callout.removed'; callout: string }
  | { t: 'wfp.sublayer.added'; sublayer: string; weight: number }
  | { t: 'wfp.sublayer.removed'; sublayer: string }
  | { t: 'wfp.transaction'; did: 'began' | 'committed' | 'aborted' }
  | {
      t: 'wfp.filter.added'
      filter: string
      layer: string
      sublayer: string
      weight: number
      action: string
      callout: string | null
      conditions: string[]
    }
  | { t: 'wfp.filter.removed'; filter: string }
  /** A filter was applied to a connection; `routine` is the callout that was asked. */
  | ({
      t: 'wfp.classified'
      layer: string
      filter: string
      callout: string | null
      routine: string | null
      action: string
      /** It leads elsewhere than the program asked, by this filter or one before it. */
      redirected?: true
      /** A callout has redirected this process's connections to itself: it is a proxy of theirs. */
      proxy?: true
    } & ConnectionWords)
  /** A callout sent a connection elsewhere: to `to` instead of `remote`. */
  | ({
      t: 'wfp.redirected'
      layer: string
      filter: string
      callout: string | null
      routine: string | null
      to: string
      /** Process that shall accept it, by its id, and whether it was named with a redirect handle. */
      target: number | null
      handle: boolean
    } & ConnectionWords)
  /** A callout keeps a connection waiting, and lets it go on. */
  | ({ t: 'wfp.pended'; callout: string } & ConnectionWords)
  | ({ t: 'wfp.completed'; callout: string } & ConnectionWords)
  /** All filters of a layer were applied. */
  | ({ t: 'wfp.decided'; layer: string; allowed: boolean } & ConnectionWords)
  // the driver framework
  /** An object other than a queue or a request, which have events of their own. */
  | { t: 'wdf.object.created'; object: string; kind: string; parent: string | null }
  /** `withParent`: nobody asked for it, its parent went. */
  | { t: 'wdf.object.deleted'; object: string; kind: string; withParent: boolean }
  /** A packet that the framework answered or passed on for the driver. */
  | { t: 'wdf.irp.handled'; irp: number; major: number; minor: number; how: 'completed' | 'passed' }
  /** A process for a UMDF driver; `restart` counts those that were started because one ended. */
  | { t: 'wdf.host.started'; host: number; device: string; service: string; restart: number }
  /** `lost`: packets that it had and that come back without it. */
  | {
      t: 'wdf.host.ended'
      host: number
      device: string
      code: string
      lost: number[]
      expected: boolean
    }
  /** A packet's data went to a host process as a message, or its answer came back. */
  | {
      t: 'wdf.message.passed'
      way: 'to host' | 'from host'
      host: number
      irp: number
      bytes: number
    }
  /** Its host processes ended too often. */
  | { t: 'wdf.device.failed'; device: string; service: string; restarts: number }
  | { t: 'wdf.queue.created'; queue: string; device: string; dispatch: string; isDefault: boolean }
  | { t: 'wdf.queue.purged'; queue: string }
  | { t: 'wdf.queue.deleted'; queue: string }
  /** `from`: the queue through which the driver had it before. */
  | { t: 'wdf.request.queued'; request: string; queue: string; irp: number; from?: string }
  /** The driver has it: `handler` was called with it, or null when the driver took it itself. */
  | {
      t: 'wdf.request.presented'
      request: string
      queue: string
      irp: number
      handler: string | null
    }
  | {
      t: 'wdf.request.completed'
      request: string
      queue: string
      irp: number
      status: string
      information: number
    }
  /** The driver can be called back for it at `routine`, or not any more: null. */
  | {
      t: 'wdf.request.marked'
      request: string
      queue: string
      irp: number
      routine: string | null
    }
  /** It was cancelled while it waited; the driver never saw it. */
  | { t: 'wdf.request.cancelled'; request: string; queue: string; irp: number }
  /** It was sent to the device below and forgotten. */
  | { t: 'wdf.request.forwarded'; request: string; queue: string; irp: number }
