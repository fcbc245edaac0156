/**
 * Runs `action` without root's power to read and write everything, when the tests run as root (as in many
 * containers). What it is to reach must be open to others.
 */
export async function asOrdinaryUser<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action()
  const NOBODY = 65534
  process.seteuid?.(NOBODY)
  try {
    return await action()
  } finally {
    process.seteuid?.(0)
  }
}
