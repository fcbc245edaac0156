import type { QuotaInfo, Traffic } from '../shared/api.ts'

/** The first moment of the next calendar month, local time; milliseconds since 1970. */
export function nextMonth(now: number): number {
  const date = new Date(now)
  return new Date(date.getFullYear(), date.getMonth() + 1, 1).getTime()
}

/** How much of the month's bytes is used: all traffic of the node, both directions together. */
export function quotaInfo(limitBytes: number, month: Traffic, now: number): QuotaInfo {
  return {
    limitBytes,
    usedBytes: month.received + month.sent,
    resetsAt: new Date(nextMonth(now)).toISOString()
  }
}

/** Whether nothing is left. */
export function isUsedUp({ limitBytes, usedBytes }: QuotaInfo): boolean {
  return limitBytes > 0 && usedBytes >= limitBytes
}
