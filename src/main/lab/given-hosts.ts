/** Machines that a scenario's programs can reach: those that the small Windows has, and the scenario's own. */
import shipped from '../../../data/world/hosts.json'
import type { Scenario, ScenarioHost } from '../../shared/contract/model'
import { parseAddress } from '../kernel/net/address'
import type { RemoteHost } from '../kernel/net/hosts'

const hostOf = ({ name, address, ports }: ScenarioHost): RemoteHost => ({
  name,
  address: parseAddress(address) ?? 0,
  ports: ports.map(({ port, pages, answers }) => ({
    port,
    pages: pages ? new Map(Object.entries(pages)) : null,
    answers: answers ?? [],
  })),
})

/** The scenario's come last: one that has the name or the address of another takes its place. */
export function givenHosts(scenario: Scenario): RemoteHost[] {
  const own = scenario.hosts ?? []
  const isTaken = ({ name, address }: ScenarioHost): boolean =>
    own.some((each) => each.name.toLowerCase() === name || each.address === address)
  const known: ScenarioHost[] = shipped.hosts
  return [...known.filter((host) => !isTaken(host)), ...own].map(hostOf)
}
