// Adds up the tests of several vitest reports, prints the closing line, and fails if anything did. A step that is no test
// and failed counts as one that did: the closing line never says that all is well when it is not.
import { readFileSync } from 'node:fs'

const [steps, ...files] = process.argv.slice(2)
let missing = 0
const sum = { passed: 0, failed: 0, skipped: 0 }
for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    sum.passed += report.numPassedTests
    sum.failed += report.numFailedTests
    sum.skipped += report.numPendingTests + report.numTodoTests
  } catch (error) {
    console.error(`no test report: ${error.message}`)
    missing++
  }
}
// A step whose tests failed is counted by its tests.
const failed = sum.failed > 0 ? sum.failed : Number(steps) + missing + (sum.passed === 0 ? 1 : 0)
console.log(`${sum.passed} passed, ${failed} failed, ${sum.skipped} skipped`)
process.exitCode = failed > 0 ? 1 : 0
