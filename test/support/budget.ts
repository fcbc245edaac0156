import type { BudgetInfo } from '../../app/shared/api.ts'

/** Of a node without rules. */
export const noBudget: BudgetInfo = {
  rules: [],
  power: {},
  cpu: { limitPercent: 0, overloaded: false },
  heldSeconds: {
    'quota-month': 0,
    'quota-day': 0,
    schedule: 0,
    battery: 0,
    'battery-level': 0,
    metered: 0,
    'full-screen': 0
  }
}
