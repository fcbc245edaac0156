import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import prettier from 'prettier'
import { definitions } from '../../app/main/observe/metrics.ts'
import { REFUSALS } from '../../app/main/relay/circuit/admission.ts'

/** `npm run docs:metrics` writes docs/metrics.md from the code; `-- --check` only says whether it is stale. */
export const docsPath = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url))

const INTRODUCTION = `# Metrics

<!-- Written by \`npm run docs:metrics\` from app/main/observe/metrics-*.ts: change it there. -->

\`GET /metrics\` of the control API, and of \`metrics.listen\` where that is set, in Prometheus' text format; the same
as JSON by the Api (\`metrics\`). Counters begin at 0 when the node starts. No label names a peer or an address, and each
has the fixed set of values given here, but for \`network\`, which has the names of networks in the settings.

- Those that begin with \`libp2p_relaysvc\` are go-libp2p's, with its labels, so that dashboards made for go relays show
  this node too. Their \`reason\` is go's word for the wire status: \`ip constraint violation\` is any limit that a RESERVE
  can meet. Which limit it was says \`waystation_refusals_total\`. Where go counts a circuit from its request on, this node
  counts it from the moment it runs.
- A rate of Prometheus is better than a rate of the node where there is a choice:
  \`rate(waystation_relayed_bytes_total[1m])\` can be had for any time. \`waystation_relayed_bytes_per_second\` is what
  the status shows.
- Figures of the process are those of all that runs in it.
`

const SECTIONS: readonly { title: string; prefix: string }[] = [
  { title: 'As in go-libp2p', prefix: 'libp2p_relaysvc_' },
  { title: "Waystation's own", prefix: 'waystation_' }
]

export async function metricsDocs(): Promise<string> {
  const tables = SECTIONS.map(({ title, prefix }) => {
    const rows = definitions
      .filter(({ name }) => name.startsWith(prefix))
      .map(({ name, type, labels = {}, help }) => {
        const known = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`)
        return [`\`${name}\``, type, known.join(' <br> '), help]
      })
    const header = ['Metric', 'Type', 'Labels', 'Meaning']
    const lines = [header, header.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
    return `## ${title}\n\n${lines.join('\n')}\n`
  })
  const reasons = `The \`reason\` of a refusal: ${REFUSALS.map(reason => `\`${reason}\``).join(', ')}.`
  const options = await prettier.resolveConfig(docsPath)
  return prettier.format([INTRODUCTION, ...tables, reasons].join('\n'), { ...options, parser: 'markdown' })
}

if (import.meta.main) {
  const wanted = await metricsDocs()
  if (!process.argv.includes('--check')) {
    writeFileSync(docsPath, wanted)
  } else if (readFileSync(docsPath, 'utf8') !== wanted) {
    console.error('docs/metrics.md is stale: run npm run docs:metrics')
    process.exitCode = 1
  }
}
