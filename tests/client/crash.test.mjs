// Nothing that was acknowledged is lost, whatever is killed.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask } from '../support/wire.mjs'
import { missing, writeAll } from '../support/writers.mjs'

let app, ada
before(async () => {
  app = await library()
  ada = await person(app, 'ada')
})
after(() => app?.down())

test('mainstay is killed during a thousand writes: after a restart every acknowledged one is there', { timeout: 120_000 }, async () => {
  let restarted
  const acknowledged = await writeAll(app, ada, 'process', 1000, (_, count) => {
    if (count >= 300) restarted ??= app.stop('SIGKILL').then(() => app.start())
  })
  await restarted
  assert.deepEqual(await missing(app, ada, 'process', acknowledged), [])
  assert.match(app.log, /PostgreSQL \d+: (was still running and has been taken over|started)/)
})

test('PostgreSQL is killed during writes: 503 meanwhile, then all is well without a restart', { timeout: 120_000 }, async () => {
  const pid = app.process.pid
  const answers = new Map()
  let killed = false
  const old = await app.postmaster()
  const acknowledged = await writeAll(app, ada, 'server', 1000, async (answer, count) => {
    answers.set(answer.status, answer)
    if (count >= 300 && !killed) {
      killed = true
      process.kill(old, 'SIGKILL')
    }
  })
  assert.deepEqual([...answers.keys()].sort(), [201, 503], `every answer is either an acknowledgement or 503: ${JSON.stringify([...answers.values()].map((answer) => [answer.status, answer.body]))}`)
  assert.ok(Number(answers.get(503).headers.get('retry-after')) >= 1)
  assert.deepEqual(Object.keys(answers.get(503).body).sort(), ['code', 'details', 'hint', 'message'])
  assert.equal(app.process.pid, pid)
  assert.equal(app.process.exitCode, null)
  assert.notEqual(await app.postmaster(), old)
  assert.deepEqual(await missing(app, ada, 'server', acknowledged), [])
  assert.equal((await ask(app, '/health', { key: null })).status, 200)
})

test('all is killed, and files of other processes are left behind: the next start cleans up', async () => {
  const acknowledged = await writeAll(app, ada, 'all', 50)
  const postmaster = await app.postmaster()
  await app.stop('SIGKILL')
  process.kill(postmaster, 'SIGKILL')
  // as if the numbers had gone to somebody else meanwhile: this test
  const pidFile = path.join(app.dir, '.mainstay/postgres/data/postmaster.pid')
  await writeFile(pidFile, `${process.pid}\n`)
  await app.start()
  assert.deepEqual(await missing(app, ada, 'all', acknowledged), [])
})
