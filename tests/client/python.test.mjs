// The published client of another language: supabase for Python, from PyPI, in a virtual environment under target/.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { library } from '../support/library.mjs'
import { repository } from '../support/mainstay.mjs'

const run = promisify(execFile)
const place = path.join(repository, 'target/python-client')
const python = path.join(place, 'bin/python')

// Made once. Without Python, or where PyPI cannot be reached, the test is skipped and says so.
async function environment() {
  if (existsSync(path.join(place, 'ready'))) return null
  try {
    await run('python3', ['-m', 'venv', place])
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'supabase>=2,<3'])
    await run('touch', [path.join(place, 'ready')])
    return null
  } catch (error) {
    return `the Python client cannot be installed: ${error.message.split('\n')[0]}`
  }
}

let app, absent
before(async () => {
  absent = await environment()
  if (!absent) app = await library()
}, { timeout: 180_000 })
after(() => app?.down())

test('sign-up, sign-in, rows with embeds, writes, functions and refusals', { timeout: 60_000 }, async (t) => {
  if (absent) return t.skip(absent)
  const script = path.join(repository, 'tests/client/python_client.py')
  const { stdout } = await run(python, [script, app.url, app.keys.publishable_key])
  const got = JSON.parse(stdout)
  assert.equal(got.same, true)
  assert.deepEqual(got.books, [{ title: 'The Dispossessed', authors: { name: 'Ursula K. Le Guin' } }])
  assert.equal(got.count, 6)
  assert.equal(got.note[0].user_id, got.id)
  assert.equal(got.changed[0].body, 'changed')
  assert.deepEqual(got.who, { role: 'authenticated', uid: got.id })
  assert.deepEqual(got.refused, { code: '42501' })
})
