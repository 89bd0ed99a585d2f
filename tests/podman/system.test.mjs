// The pods' templates really run: budget-app's rendered objects as containers under Podman, with their users, file
// systems, capabilities, limits, secrets and probes, beside a real PostgreSQL. Needs root, as a kubelet does.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'
import { binary, folder, repository } from '../support/mainstay.mjs'
import { Cluster } from './lib/cluster.mjs'
import { database } from './lib/database.mjs'
import { Objects, quantity } from './lib/objects.mjs'
import { secretsFor } from './lib/secrets.mjs'

const run = promisify(execFile)
const SYSTEM = 'systems/budget-app'
// another tree than the committed one: MAINSTAY_OBJECTS=FOLDER
const rendered = process.env.MAINSTAY_OBJECTS ?? path.join(repository, SYSTEM, 'k8s')
const objects = existsSync(rendered)
  ? Objects.folder(rendered)
  : new Objects([execFileSync(binary, ['render', path.join(repository, SYSTEM)], { maxBuffer: 64 << 20, encoding: 'utf8' })])

let cluster, values, server, image
before(async () => {
  if (process.getuid() !== 0) throw new Error('these tests make containers, mounts and addresses: run them as root')
  const home = await folder()
  values = await secretsFor(objects, home)
  cluster = new Cluster(home, objects, values)
  const archive = path.join(home, 'image.tar')
  const arguments_ = ['image', path.join(repository, SYSTEM), '--tag', objects.image, '--out', archive, '--json']
  const { stdout } = await run(binary, arguments_)
  image = JSON.parse(stdout)
  image.loaded = await cluster.engine.load(archive)
  await cluster.up()
}, { timeout: 300_000 })
after(async () => {
  await cluster?.down()
  await server?.down()
}, { timeout: 60_000 })

const alive = () => cluster.pods.filter((pod) => pod.id && !pod.gone && pod.container.args[0] === 'serve')
function running() {
  const pods = alive()
  assert.ok(pods.length > 0, 'no pod runs')
  return pods
}
const roles = (pod) => pod.container.args[pod.container.args.indexOf('--roles') + 1].split(',')
const withRole = (role) => alive().filter((pod) => roles(pod).includes(role))
const gateway = () => {
  const [pod] = withRole('gateway')
  return `http://${pod.ip}:${pod.port('http')}`
}

async function until(ask, what, patience = 60_000) {
  for (const deadline = Date.now() + patience; ; await sleep(50)) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`)
  }
}

function caller(url = gateway()) {
  return createClient(url, values.publishable, { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport: ws } })
}

let count = 0
async function person() {
  const it = caller()
  const { error } = await it.auth.signUp({ email: `pod-${Date.now().toString(36)}-${count++}@example.com`, password: 'a good password 1' })
  assert.equal(error, null)
  return it
}

test('the image is the one that the objects name, and it is small', async () => {
  assert.equal(image.loaded, image.reference)
  const seen = await cluster.engine.inspect(image.reference)
  assert.equal(seen.Digest, image.digest)
  assert.equal(`sha256:${seen.Id}`, image.id)
  assert.equal(seen.Config.User, '65532:65532')
  assert.equal(seen.Architecture, image.architecture)
})

test('any user will do: the cluster chooses one', async () => {
  const anybody = ['--user', '1000660000:0', '--read-only', '--read-only-tmpfs=false', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--network', 'none']
  const check = (...args) => cluster.engine.podman(['run', '--rm', ...cluster.engine.common(), ...anybody, image.reference, ...args])
  assert.match(await check('--version'), /^mainstay \d/)
  await check('config', 'check', '/project')
})

test('from nothing: the roles wait for the database, a Job prepares it, and every pod becomes ready by its own probes', { timeout: 180_000 }, async () => {
  const starting = objects.workloads.flatMap((workload) => {
    const replicas = workload.spec.replicas ?? Number(workload.metadata.annotations?.['mainstay.dev/initial-replicas'] ?? 1)
    return Array.from({ length: Math.min(replicas, 2) }, (_, number) => cluster.pod(workload, number))
  }).map((pod) => ({ pod, started: pod.start() }))
  let failed
  for (const { started } of starting) started.catch((error) => { failed = error })
  const waiting = starting.filter(({ pod }) => pod.spec.initContainers)
  assert.ok(waiting.length > 0)
  await until(() => {
    if (failed) throw failed
    return waiting.every(({ pod }) => pod.init)
  }, 'the init containers')
  await sleep(3000)
  for (const { pod } of waiting) {
    assert.equal(pod.id, undefined, `${pod.name} started without a database`)
    assert.equal((await cluster.engine.inspect(pod.init.id)).State.Status, 'running', `${pod.init.name} of ${pod.name}`)
  }

  server = await database(values)
  cluster.database = server.port
  for (const attempt of [0, 1]) {
    const job = cluster.pod(objects.init, attempt)
    await job.start()
    assert.equal(await job.exit, 0, `run ${attempt + 1} of the Job:\n${await job.logs()}`)
    job.gone = true
  }
  await Promise.all(starting.map(({ started }) => started))
  const ready = until(() => running().every((pod) => pod.ready), 'all pods ready')
  await ready.catch(async (error) => {
    const late = running().filter((pod) => !pod.ready)
    const told = await Promise.all(late.map(async (pod) => `${pod.name}: ${JSON.stringify(pod.probed)}\n${(await pod.logs()).slice(-2000)}`))
    throw new Error(`${error.message}\n${told.join('\n')}`)
  })
  for (const pod of running()) {
    const kinds = ['startup', 'readiness', 'liveness'].filter((kind) => pod.container[`${kind}Probe`])
    assert.ok(kinds.includes('readiness') && kinds.includes('liveness'), `${pod.name} has probes`)
    await until(() => kinds.every((kind) => pod.probed[kind]?.at(-1).status === 200), `probes of ${pod.name}`)
    assert.deepEqual(pod.restarts, [])
  }
})

test('a request goes through the gateway, to auth and to data, into the database and back', { timeout: 60_000 }, async () => {
  const [ada, bob] = [await person(), await person()]
  const made = await ada.from('categories').insert({ name: 'Groceries' }).select().single()
  assert.equal(made.error, null)
  assert.equal(made.data.name, 'Groceries')
  assert.deepEqual((await ada.from('categories').select('name')).data, [{ name: 'Groceries' }])
  assert.deepEqual((await bob.from('categories').select('name')).data, [])
  const page = await fetch(`${gateway()}/`)
  assert.equal(page.status, 200)
  assert.match(await page.text(), /<html/)
  assert.equal((await fetch(`${gateway()}/web/js/main.js`)).ok || (await fetch(`${gateway()}/js/main.js`)).ok, true, 'files of the project')
})

test('the process is nobody: no capability, no way to gain one, the system calls of the default profile', async () => {
  for (const pod of running()) {
    const status = Object.fromEntries(readFileSync(`/proc/${pod.pid}/status`, 'utf8').split('\n').map((line) => line.split(/:\s*/)))
    const { runAsUser, runAsGroup, fsGroup } = pod.spec.securityContext
    assert.deepEqual(status.Uid.split('\t').map(Number), Array(4).fill(runAsUser), pod.name)
    assert.deepEqual(status.Gid.split('\t').map(Number), Array(4).fill(runAsGroup), pod.name)
    assert.deepEqual(status.Groups.trim().split(' ').map(Number), [fsGroup], pod.name)
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.equal(BigInt(`0x${status[set]}`), 0n, `${set} of ${pod.name}`)
    assert.equal(status.NoNewPrivs, '1', pod.name)
    assert.equal(status.Seccomp, '2', pod.name)
  }
})

test('nothing can be written but what is a volume', async () => {
  for (const pod of running()) {
    const inside = (name) => `/proc/${pod.pid}/root${name}`
    // we are root outside: what refuses is the mount
    for (const place of ['/x', '/project/x', '/usr/local/bin/x', '/etc/passwd', '/run/secrets/mainstay/x', '/project/mainstay.toml']) {
      assert.throws(() => writeFileSync(inside(place), 'x', { flag: 'a' }), { code: 'EROFS' }, `${place} of ${pod.name}`)
    }
    const mounts = readFileSync(`/proc/${pod.pid}/mountinfo`, 'utf8').trim().split('\n').map((line) => line.split(' '))
    const writable = mounts.filter((mount) => mount[5].split(',').includes('rw')).map((mount) => mount[4])
    const own = pod.container.volumeMounts.filter(({ name }) => pod.spec.volumes.find((volume) => volume.name === name).emptyDir).map(({ mountPath }) => mountPath)
    const kernel = /^\/(proc|dev|sys)(\/|$)/
    assert.deepEqual(writable.filter((place) => !kernel.test(place)).sort(), own.sort(), pod.name)
    for (const place of own) writeFileSync(inside(path.join(place, 'x')), 'x')
  }
})

test('secrets are files for the group only, and in no environment, no log and no argument', async () => {
  const secret = Object.values(values.secrets).flatMap((keys) => Object.entries(keys)).filter(([name]) => !['POSTGRES_DB', 'POSTGRES_USER', 'MAINSTAY_IDENTITY_PUBLISHABLE_KEY'].includes(name))
  for (const pod of running()) {
    const { folder: mounted } = pod.volumes.folders.secrets
    for (const name of Object.keys(values.secrets[pod.spec.volumes.find(({ name }) => name === 'secrets').secret.secretName])) {
      const { mode, uid, gid } = statSync(path.join(mounted, name))
      assert.deepEqual([mode & 0o777, uid, gid], [0o440, 0, pod.spec.securityContext.fsGroup], `${name} of ${pod.name}`)
    }
    const places = {
      environment: readFileSync(`/proc/${pod.pid}/environ`, 'utf8'), arguments: readFileSync(`/proc/${pod.pid}/cmdline`, 'utf8'),
      logs: await pod.logs(), description: JSON.stringify(await cluster.engine.inspect(pod.id)),
    }
    for (const [name, value] of secret) {
      for (const [place, text] of Object.entries(places)) assert.ok(!text.includes(value), `${name} is in the ${place} of ${pod.name}`)
    }
  }
})

test('memory is limited as the template says', async () => {
  for (const pod of running()) {
    const limit = quantity(pod.container.resources.limits.memory)
    const groups = readFileSync(`/proc/${pod.pid}/cgroup`, 'utf8').trim().split('\n').map((line) => line.split(':'))
    const [, , old] = groups.find(([, controllers]) => controllers.split(',').includes('memory')) ?? []
    const file = old ? `/sys/fs/cgroup/memory${old}/memory.limit_in_bytes` : `/sys/fs/cgroup${groups[0][2]}/memory.max`
    assert.equal(Number(readFileSync(file, 'utf8')), limit, pod.name)
  }
})

test('a pod is replaced while requests go on, and none fails', { timeout: 120_000 }, async () => {
  const [old] = withRole('data')
  const ada = await person()
  const failures = []
  let [answered, done] = [0, false]
  const worker = async () => {
    while (!done) {
      const { error, status } = await ada.from('categories').select('name')
      answered++
      if (error && failures.length < 5) failures.push(`${status} ${JSON.stringify(error)}`)
      // four of these stay below the limit for one address
      await sleep(40)
    }
  }
  const workers = Array.from({ length: 4 }, worker)
  const workload = objects.workloads.find((workload) => workload.metadata.name === old.labels['app.kubernetes.io/name'])
  const fresh = cluster.pod(workload, 7)
  await fresh.start()
  await until(() => fresh.ready, 'the new pod is ready')
  const { code } = await old.terminate()
  await sleep(500)
  done = true
  await Promise.all(workers)
  assert.equal(code, 0)
  assert.deepEqual(failures, [])
  assert.ok(answered > 20, `${answered} requests`)
})

test('SIGTERM: readiness goes first, what is open is answered, the end is 0 and in time', { timeout: 120_000 }, async () => {
  const ada = await person()
  const { data: { session } } = await ada.auth.getSession()
  // the gateway first: the others must be there to answer what it has begun
  for (const role of ['gateway', 'portal', 'data', 'auth']) {
    for (const pod of withRole(role)) {
      const { path: ready } = pod.container.readinessProbe.httpGet
      assert.equal(await pod.get({ path: ready, port: 'metrics' }), 200, pod.name)
      const open = role === 'gateway' ? halfARequest(session.access_token) : undefined
      await open?.begun
      const seen = []
      let over = false
      const watching = (async () => {
        for (; !over; await sleep(10)) {
          const [readiness, service] = await Promise.all([pod.get({ path: ready, port: 'metrics' }), pod.get({ path: '/', port: 'http' })])
          if (readiness === 503) open?.finish()
          seen.push({ readiness, service })
        }
      })()
      const { code, took } = await pod.terminate({ preStop: false })
      over = true
      await watching
      assert.equal(code, 0, `${pod.name} ended with ${code}:\n${await pod.logs()}`)
      assert.ok(seen.some(({ readiness, service }) => readiness === 503 && service > 0), `${pod.name} served on while it was not ready: ${JSON.stringify(seen.slice(-5))}`)
      assert.ok(took < pod.spec.terminationGracePeriodSeconds * 1000, `${pod.name} took ${took} ms`)
      if (open) assert.equal(await open.answer, 201, 'the request that was open')
    }
  }
})

// A request whose second half comes when `finish` is called.
function halfARequest(token) {
  const text = JSON.stringify({ name: 'Half' })
  const headers = { apikey: values.publishable, authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': text.length }
  const request = http.request(`${gateway()}/rest/v1/categories`, { method: 'POST', headers, agent: false })
  const answer = new Promise((resolve, reject) => request.on('error', reject).on('response', (response) => {
    response.resume()
    resolve(response.statusCode)
  }))
  answer.catch(() => {})
  const begun = new Promise((resolve) => request.write(text.slice(0, 5), resolve)).then(() => sleep(200))
  return { answer, begun, finish: () => request.writableEnded || request.end(text.slice(5)) }
}
