let second = NaN
let upToSecond = ''

/** A moment of milliseconds since 1970 as `Date.toISOString` writes it, at a tenth of the cost within one second. */
export function isoTime(ms: number): string {
  const whole = Math.trunc(ms)
  const now = Math.floor(whole / 1000)
  if (now !== second) {
    upToSecond = new Date(now * 1000).toISOString().slice(0, -4)
    second = now
  }
  return `${upToSecond}${String(whole - now * 1000).padStart(3, '0')}Z`
}
