// The command line: what it prints, what it refuses, and with which exit code.
import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { spawn } from 'node:child_process'
import { client, ok } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { binary, folder, freePort } from '../support/mainstay.mjs'

let app
before(async () => (app = await library()))
after(() => app?.down())

// Runs a command to its end. `env` is added to the instance's own.
function command(args, { env = {}, input = '' } = {}) {
  return new Promise((resolve) => {
    const child = spawn(binary, args, { env: { ...app.environment(), ...env } })
    const result = { out: '', err: '' }
    child.stdout.on('data', (data) => (result.out += data))
    child.stderr.on('data', (data) => (result.err += data))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.on('exit', (code) => resolve({ ...result, code }))
  })
}

async function project(toml, files = {}) {
  const dir = await folder()
  await writeFile(path.join(dir, 'mainstay.toml'), toml)
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text)
  return dir
}

test('keys --json has what a deployment needs; the file with the secrets is private', async () => {
  const { out, code } = await command(['keys', app.dir, '--json'])
  assert.equal(code, 0)
  const keys = JSON.parse(out)
  assert.deepEqual(Object.keys(keys).sort(), ['anon_key', 'database_url', 'publishable_key', 'secret_key', 'service_key', 'url'])
  assert.equal(keys.url, app.url)
  assert.match(keys.database_url, /^postgresql:\/\/postgres:[^@]+@127\.0\.0\.1:\d+\/postgres/)
  assert.equal((await stat(path.join(app.dir, '.mainstay/secrets.json'))).mode & 0o777, 0o600)
  assert.doesNotMatch(app.log, new RegExp(keys.secret_key))
})

test('status --json tells a running project from one that is not', async () => {
  const status = JSON.parse((await command(['status', app.dir, '--json'])).out)
  assert.equal(status.running, true)
  assert.equal(status.ready, true)
  assert.equal(status.pid, app.process.pid)
  assert.equal(status.url, app.url)
  assert.deepEqual(Object.keys(status.roles).sort(), ['auth', 'data', 'gateway', 'portal'])
  const idle = await project('name = "idle"')
  assert.deepEqual(JSON.parse((await command(['status', idle, '--json'])).out), { running: false })
})

test('user add, list and set-password on the running project; passwords are never arguments', async () => {
  const added = await command(['user', 'add', 'cli@example.com', '--dir', app.dir], { input: 'typed password 1\n' })
  assert.equal(added.code, 0, added.err)
  ok(await client(app).auth.signInWithPassword({ email: 'cli@example.com', password: 'typed password 1' }))
  const listed = await command(['user', 'list', '--dir', app.dir, '--json'])
  assert.equal(JSON.parse(listed.out.trim().split('\n')[0]).email, 'cli@example.com')
  const changed = await command(['user', 'set-password', 'cli@example.com', '--dir', app.dir, '--password-env', 'NEW'], { env: { NEW: 'another password 2' } })
  assert.equal(changed.code, 0, changed.err)
  assert.ok((await client(app).auth.signInWithPassword({ email: 'cli@example.com', password: 'typed password 1' })).error)
  ok(await client(app).auth.signInWithPassword({ email: 'cli@example.com', password: 'another password 2' }))
  const twice = await command(['user', 'add', 'cli@example.com', '--dir', app.dir], { input: 'typed password 1\n' })
  assert.equal(twice.code, 1)
  const unknown = await command(['user', 'set-password', 'nobody@example.com', '--dir', app.dir], { input: 'typed password 1\n' })
  assert.equal(unknown.code, 1)
  const weak = await command(['user', 'add', 'weak@example.com', '--dir', app.dir], { input: '1\n' })
  assert.equal(weak.code, 1)
})

test('a second owner is refused with a clear line, and the first goes on', async () => {
  const second = await command(['up', app.dir, '--port', String(await freePort())])
  assert.equal(second.code, 1)
  assert.match(second.err, /already|in use|runs/i)
  assert.match(second.err, new RegExp(String(app.process.pid)))
  assert.equal((await fetch(`${app.url}/health`)).status, 200)
})

test('a port in use is told before anything is started', async () => {
  const taken = net.createServer()
  const port = await new Promise((resolve) => taken.listen(0, '127.0.0.1', () => resolve(taken.address().port)))
  const dir = await project('name = "late"')
  const late = await command(['up', dir, '--port', String(port)])
  taken.close()
  assert.equal(late.code, 1)
  assert.match(late.err, new RegExp(`port ${port} is in use`))
  await assert.rejects(stat(path.join(dir, '.mainstay/postgres')))
})

test('bad configuration ends with 64 and says where', async () => {
  for (const [toml, where, what] of [
    ['name = "x"\n\n[gateway]\nprot = 80\n', /mainstay\.toml:4/, /prot/],
    ['name = "x"\n[gateway]\nport = "many"\n', /mainstay\.toml:3/, /port/],
    ['name = "x"\n[auth\n', /mainstay\.toml:2/, /./],
    ['name = "Not A Name"\n', /mainstay\.toml/, /name/],
    ['name = "x"\n[nonsense]\na = 1\n', /mainstay\.toml:2/, /nonsense/],
  ]) {
    for (const args of [['up'], ['config', 'check']]) {
      const { code, err } = await command([...args, await project(toml)])
      assert.equal(code, 64, `${toml}: ${err}`)
      assert.match(err, where)
      assert.match(err, what)
    }
  }
  const env = await command(['config', 'check', app.dir], { env: { MAINSTAY_GATEWAY_PORT: 'many' } })
  assert.equal(env.code, 64)
  assert.match(env.err, /MAINSTAY_GATEWAY_PORT/)
})

test('config show tells where values come from, and hides secrets', async () => {
  const { out, code } = await command(['config', 'show', app.dir], { env: { JWT_SECRET: 'do-not-print-this-secret-anywhere-at-all', PORT: '9' } })
  assert.equal(code, 0)
  assert.match(out, /port = 9 .*PORT/)
  assert.doesNotMatch(out, /do-not-print/)
})

test('wrong usage ends with 2, an unknown folder with 1', async () => {
  assert.equal((await command(['upp'])).code, 2)
  assert.equal((await command(['up', '/nowhere/at/all'])).code, 1)
  assert.equal((await command(['up', await folder()])).code, 1)
  assert.equal((await command(['--help'])).code, 0)
})

test('init makes a project that passes its own checks, and never overwrites one', async () => {
  const dir = path.join(await folder(), 'fresh')
  assert.equal((await command(['init', dir])).code, 0)
  assert.equal((await command(['config', 'check', dir])).code, 0)
  assert.equal((await command(['init', dir])).code, 1)
})

test('a migration that fails names its file and changes nothing; a changed one is refused', async () => {
  const fixed = path.join(app.dir, 'migrations/0003_broken.sql')
  await writeFile(fixed, 'create table public.half (id int);\nselect nonsense;\n')
  const broken = await command(['migrate', app.dir])
  assert.equal(broken.code, 42)
  assert.match(broken.err, /0003_broken/)
  assert.match(broken.err, /nonsense/)
  assert.equal((await client(app, app.keys.secret_key).from('half').select()).error.code, 'PGRST205')
  await writeFile(fixed, 'create table public.half (id int);\nalter table public.half enable row level security;\n')
  assert.equal((await command(['migrate', app.dir])).code, 0)
  const first = path.join(app.dir, 'migrations/0001_library.sql')
  const text = await readFile(first, 'utf8')
  await writeFile(first, `${text}\n-- changed\n`)
  const changed = await command(['migrate', app.dir])
  assert.equal(changed.code, 42)
  assert.match(changed.err, /0001_library/)
  await writeFile(first, text)
})

test('a table made while the server runs is served at once', async () => {
  const { out } = await command(['migrate', app.dir, '--dry-run'])
  assert.match(out, /0003_broken .*applied/)
  await writeFile(path.join(app.dir, 'migrations/0004_later.sql'), 'create table public.later (id int);\nalter table public.later enable row level security;\n')
  assert.equal((await command(['migrate', app.dir])).code, 0)
  for (let i = 0; i < 100; i++) {
    const { error } = await client(app).from('later').select()
    if (!error) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail('the table is not served')
})
