/**
 * The known name most like a mistyped one; `undefined` if none is near enough to be worth a suggestion. What
 * all names begin with (`WAYSTATION_`) makes no two of them alike, so it does not count.
 */
function nearest(name: string, known: Iterable<string>, prefix: string): string | undefined {
  const most = Math.max(2, Math.floor((name.length - prefix.length) / 3))
  let best: { name: string; edits: number } | undefined
  for (const candidate of known) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase())
    if (edits <= most && edits < (best?.edits ?? Infinity)) best = { name: candidate, edits }
  }
  return best?.name
}

/** ` Did you mean --tcp-port?`, or nothing, to end a message with. */
export function suggestion(name: string, known: Iterable<string>, prefix = ''): string {
  const found = nearest(name, known, prefix)
  return found === undefined ? '' : ` Did you mean ${found}?`
}

/** Levenshtein's: how many letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const here = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      here.push(Math.min(replaced, (above[column] ?? 0) + 1, (here[column - 1] ?? 0) + 1))
    }
    above = here
  }
  return above[b.length] ?? 0
}
