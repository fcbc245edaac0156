import { cp, mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'

export interface Instruction {
  name: string
  /** `--from` and the like. */
  flags: Record<string, string>
  /** What stands behind the flags. */
  text: string
}

export interface Stage {
  base: string
  name: string
  instructions: Instruction[]
}

/** The stages of a Dockerfile, as far as ours goes: no heredocs, no arguments, no JSON form of COPY and RUN. */
export async function readDockerfile(file: string): Promise<Stage[]> {
  const text = await readFile(file, 'utf8')
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter(line => line.trim() !== '')
  const stages: Stage[] = []
  for (const line of lines) {
    const instruction = readInstruction(line)
    if (instruction.name !== 'FROM') stages.at(-1)?.instructions.push(instruction)
    else {
      const [base = '', , name = `${stages.length}`] = instruction.text.split(/\s+/)
      stages.push({ base, name, instructions: [] })
    }
  }
  return stages
}

function readInstruction(line: string): Instruction {
  const [, name = '', given = '', text = ''] = /^\s*([A-Z]+)\s+((?:--\S+\s+)*)(.*)$/.exec(line) ?? []
  const flags = given.split(/\s+/).flatMap(flag => {
    const [, key, value = ''] = /^--([a-z-]+)(?:=(.*))?$/.exec(flag) ?? []
    return key === undefined ? [] : [[key, value] as const]
  })
  return { name, flags: Object.fromEntries(flags), text: text.trim() }
}

/** Whether a .dockerignore leaves the path in the context; the last rule that fits decides. Whole names only, and `*`. */
export function isSent(ignore: string, name: string): boolean {
  const rules = ignore.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return rules.reduce((sent, rule) => {
    const pattern = rule.replace('!', '')
    const fits = pattern === '*' || name === pattern || name.startsWith(`${pattern}/`)
    return fits ? rule.startsWith('!') : sent
  }, true)
}

export interface StageRoots {
  context: string
  /** The root folder of each stage, by its name. */
  rootOf: (stage: string) => string
}

/** What an image built of these instructions comes to in `rootOf(stage.name)`; `run` does what RUN says in a folder. */
export async function buildStage(
  stage: Stage,
  { context, rootOf }: StageRoots,
  run: (command: string, cwd: string) => Promise<unknown>
): Promise<void> {
  const root = rootOf(stage.name)
  let workdir = '/'
  for (const { name, flags, text } of stage.instructions) {
    const cwd = path.join(root, workdir)
    if (name === 'WORKDIR') workdir = text
    if (name === 'WORKDIR') await mkdir(path.join(root, text), { recursive: true })
    if (name === 'RUN') await run(text, cwd)
    if (name !== 'COPY') continue
    const words = text.split(/\s+/)
    const to = words.pop() ?? ''
    const from = flags['from'] === undefined ? context : rootOf(flags['from'])
    for (const word of words) {
      const target = to.endsWith('/') ? path.join(cwd, to, path.basename(word)) : path.join(cwd, to)
      await cp(path.join(from, word), target, { recursive: true, verbatimSymlinks: true })
    }
  }
}
