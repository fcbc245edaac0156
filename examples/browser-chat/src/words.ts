export const sleep = (milliseconds: number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, milliseconds))

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** 1.5 MB */
export function sizeOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'] as const
  let unit = 0
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1000
    unit++
  }
  return `${bytes.toLocaleString('en', { maximumFractionDigits: unit === 0 ? 0 : 1 })} ${units[unit]}`
}
