/** Whether every word of the query stands somewhere in the texts; capitals do not matter. */
export function matches(query: string, texts: readonly (string | undefined)[]): boolean {
  return isIn(texts, wordsOf(query))
}

/** The rows whose texts match; they are put together only if there is something to look for. */
export function filtered<T>(
  rows: readonly T[],
  query: string,
  textsOf: (row: T) => readonly (string | undefined)[]
): readonly T[] {
  const words = wordsOf(query)
  return words.length === 0 ? rows : rows.filter(row => isIn(textsOf(row), words))
}

function isIn(texts: readonly (string | undefined)[], words: readonly string[]): boolean {
  const all = texts.join('\n').toLowerCase()
  return words.every(word => all.includes(word))
}

const wordsOf = (query: string): string[] => query.toLowerCase().split(/\s+/).filter(Boolean)
