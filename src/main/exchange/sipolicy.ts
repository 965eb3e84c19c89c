/**
 * A code integrity policy (SiPolicy XML) that denies the files by their authentihash, for
 * ConvertFrom-CIPolicy or to be merged into another. It is an audit-mode base policy that allows
 * everything else: whoever deploys it decides to enforce.
 *
 * @see https://learn.microsoft.com/windows/security/application-security/application-control/app-control-for-business/design/select-types-of-rules-to-create
 */
import type { FileDetail } from '../../shared/contract/files'

/** Text for an XML attribute: markup escaped, characters that XML 1.0 has not left out. */
export function xmlText(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\t\r\n]/g, ' ')
}

interface Rule {
  id: string
  xml: string
}

/** The digests a policy can deny one file by: authentihash SHA-1 and SHA-256. */
function rulesOf(detail: FileDetail, number: number): Rule[] {
  const name = detail.row.name.split(/[\\/]/).at(-1) ?? detail.row.name
  const digests = detail.facts?.image?.authentihash ?? {
    sha1: detail.hashes['Authentihash SHA-1'],
    sha256: detail.hashes['Authentihash SHA-256'],
  }
  return (['sha1', 'sha256'] as const).flatMap((algorithm) => {
    const digest = digests[algorithm]
    if (!digest) return []
    const id = `ID_DENY_RING0_${number}_${algorithm.toUpperCase()}`
    const label = xmlText(`${name} Hash ${algorithm === 'sha1' ? 'Sha1' : 'Sha256'}`)
    return [
      {
        id,
        xml: `    <Deny ID="${id}" FriendlyName="${label}" Hash="${digest.toUpperCase()}" />\n`,
      },
    ]
  })
}

/** @param left  gets the names of files that have no authentihash and so no rule */
export function* sipolicy(
  details: Iterable<FileDetail>,
  policyId: string,
  left: string[],
): Generator<string> {
  yield `<?xml version="1.0" encoding="utf-8"?>
<SiPolicy xmlns="urn:schemas-microsoft-com:sipolicy" PolicyType="Base Policy">
  <VersionEx>10.0.0.0</VersionEx>
  <PlatformID>{2E07F7E4-194C-4D20-B7C9-6F44A6C5A234}</PlatformID>
  <PolicyID>{${policyId.toUpperCase()}}</PolicyID>
  <BasePolicyID>{${policyId.toUpperCase()}}</BasePolicyID>
  <Rules>
    <Rule><Option>Enabled:Unsigned System Integrity Policy</Option></Rule>
    <Rule><Option>Enabled:Audit Mode</Option></Rule>
  </Rules>
  <EKUs />
  <FileRules>
    <Allow ID="ID_ALLOW_ALL_1" FriendlyName="Allow all drivers" FileName="*" />
    <Allow ID="ID_ALLOW_ALL_2" FriendlyName="Allow all programs" FileName="*" />
`
  const ids: string[] = []
  let number = 0
  for (const detail of details) {
    const rules = rulesOf(detail, ++number)
    if (rules.length === 0) left.push(`${detail.row.name}: no authentihash is known`)
    for (const rule of rules) {
      ids.push(rule.id)
      yield rule.xml
    }
  }
  yield `  </FileRules>
  <Signers />
  <SigningScenarios>
    <SigningScenario Value="131" ID="ID_SIGNINGSCENARIO_DRIVERS_1" FriendlyName="Drivers">
      <ProductSigners>
        <FileRulesRef>
          <FileRuleRef RuleID="ID_ALLOW_ALL_1" />
`
  for (const id of ids) yield `          <FileRuleRef RuleID="${id}" />\n`
  yield `        </FileRulesRef>
      </ProductSigners>
    </SigningScenario>
    <SigningScenario Value="12" ID="ID_SIGNINGSCENARIO_WINDOWS" FriendlyName="Programs">
      <ProductSigners>
        <FileRulesRef>
          <FileRuleRef RuleID="ID_ALLOW_ALL_2" />
        </FileRulesRef>
      </ProductSigners>
    </SigningScenario>
  </SigningScenarios>
  <UpdatePolicySigners />
  <CiSigners />
  <HvciOptions>0</HvciOptions>
</SiPolicy>
`
}
