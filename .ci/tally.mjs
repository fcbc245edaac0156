// Adds up the tests of several vitest reports, prints the closing line, and fails if anything did.
import { readFileSync } from 'node:fs'

const [steps, ...files] = process.argv.slice(2)
let failed = 0
const sum = { passed: 0, failed: 0, skipped: 0 }
for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    sum.passed += report.numPassedTests
    sum.failed += report.numFailedTests
    sum.skipped += report.numPendingTests + report.numTodoTests
  } catch (error) {
    console.error(`no test report: ${error.message}`)
    failed++
  }
}
if (sum.passed === 0) failed++
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = Number(steps) + failed + sum.failed > 0 ? 1 : 0
