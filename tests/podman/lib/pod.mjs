// A pod template as containers: every field is translated or refused.
import http from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { only, quantity } from './objects.mjs'
import { Volumes } from './volumes.mjs'

// Scheduling, and what a container cannot notice here: no API server issues tokens, no other Service injects variables.
const OF_THE_CLUSTER = ['serviceAccountName', 'automountServiceAccountToken', 'enableServiceLinks', 'affinity', 'topologySpreadConstraints',
  'imagePullSecrets', 'priorityClassName', 'hostUsers', 'restartPolicy']
const OF_THE_POD = ['containers', 'initContainers', 'volumes', 'securityContext', 'terminationGracePeriodSeconds']
const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe']

export class Pod {
  // cluster: engine, network, dns, home, image, secrets, configMaps
  constructor(cluster, name, template) {
    const spec = only(template.spec, [...OF_THE_POD, ...OF_THE_CLUSTER], `pod ${name}`)
    if (spec.containers.length !== 1) throw new Error(`pod ${name}: one container is expected`)
    Object.assign(this, { cluster, name, spec, labels: template.metadata.labels, ready: false, terminating: false, restarts: [], probed: {} })
    this.container = spec.containers[0]
    this.volumes = new Volumes(path.join(cluster.home, 'pods', name), spec, cluster)
  }

  arguments(container) {
    only(container, ['name', 'image', 'imagePullPolicy', 'command', 'args', 'workingDir', 'ports', 'env', 'envFrom', 'volumeMounts', 'resources',
      'securityContext', 'lifecycle', ...PROBES], `container ${container.name}`)
    if (container.image.split('@')[0] !== this.cluster.image) throw new Error(`container ${container.name}: an image of others (${container.image})`)
    const env = this.environment(container)
    const { command, args = [], workingDir } = container
    return {
      env,
      args: [
        ...this.security(container), ...resources(container.resources), ...this.volumes.arguments(container.volumeMounts),
        ...Object.keys(env).flatMap((name) => ['--env', name]),
        '--network', this.cluster.network, ...this.cluster.dns, '--hostname', this.name,
        '--stop-timeout', String(this.spec.terminationGracePeriodSeconds ?? 30),
        ...(workingDir ? ['--workdir', workingDir] : []), ...(command ? ['--entrypoint', JSON.stringify(command)] : []),
        this.cluster.image, ...args,
      ],
    }
  }

  environment({ env = [], envFrom = [], name: container }) {
    const { configMaps, secrets } = this.cluster
    const found = envFrom.map(({ configMapRef, ...rest }) => {
      only(rest, [], `container ${container}: envFrom`)
      return configMaps[configMapRef.name] ?? (configMapRef.optional ? {} : missing(configMapRef.name))
    })
    const own = env.map(({ name, value, valueFrom, ...rest }) => {
      only({ ...rest, ...valueFrom }, ['secretKeyRef', 'configMapKeyRef'], `container ${container}: ${name}`)
      const reference = valueFrom?.secretKeyRef ?? valueFrom?.configMapKeyRef
      const from = valueFrom?.secretKeyRef ? secrets : configMaps
      return { [name]: reference ? (from[reference.name]?.[reference.key] ?? missing(`${reference.name}/${reference.key}`)) : (value ?? '') }
    })
    return Object.assign({}, ...found, ...own)
  }

  security({ securityContext, name }) {
    const pod = only(this.spec.securityContext, ['runAsNonRoot', 'runAsUser', 'runAsGroup', 'fsGroup', 'fsGroupChangePolicy', 'supplementalGroups',
      'supplementalGroupsPolicy', 'seccompProfile'], `pod ${this.name}: securityContext`)
    const own = only(securityContext, ['runAsNonRoot', 'runAsUser', 'runAsGroup', 'allowPrivilegeEscalation', 'privileged', 'readOnlyRootFilesystem',
      'capabilities', 'seccompProfile'], `container ${name}: securityContext`)
    const all = { ...pod, ...own }
    if (all.privileged) throw new Error(`container ${name} is privileged`)
    if (all.runAsNonRoot && !all.runAsUser) throw new Error(`container ${name} has no user id above 0`)
    if (all.seccompProfile?.type !== 'RuntimeDefault') throw new Error(`container ${name}: seccomp RuntimeDefault is expected`)
    const groups = [...new Set([pod.fsGroup, ...(pod.supplementalGroups ?? [])])].filter((group) => group !== undefined)
    return [
      ...(all.runAsUser === undefined ? [] : ['--user', [all.runAsUser, all.runAsGroup ?? 0].join(':')]),
      ...groups.flatMap((group) => ['--group-add', String(group)]),
      ...(all.readOnlyRootFilesystem ? ['--read-only', '--read-only-tmpfs=false'] : []),
      ...(all.allowPrivilegeEscalation === false ? ['--security-opt', 'no-new-privileges'] : []),
      ...(all.capabilities?.drop ?? []).flatMap((name) => ['--cap-drop', name]),
      ...(all.capabilities?.add ?? []).flatMap((name) => ['--cap-add', name]),
    ]
  }

  // Init containers one after the other, then the container; returns when it runs. A Job's pod: when it has ended.
  async start() {
    for (const init of this.spec.initContainers ?? []) {
      this.init = { name: init.name, id: await this.run(init, `${this.name}-${init.name}`) }
      const code = await this.ended(this.init.id)
      if (code !== 0) throw new Error(`${this.name}: ${init.name} ended with ${code}:\n${await this.cluster.engine.logs(this.init.id)}`)
    }
    this.id = await this.run(this.container, this.name)
    this.began = Date.now()
    this.exit = this.ended(this.id)
    const seen = await this.cluster.engine.inspect(this.id)
    this.pid = seen.State.Pid
    this.ip = Object.values(seen.NetworkSettings.Networks)[0].IPAddress
    if (PROBES.some((probe) => this.container[probe])) this.probing = this.probe()
  }

  async run(container, name) {
    const { args, env } = this.arguments(container)
    return this.cluster.engine.podman(['run', '--detach', '--name', name, ...this.cluster.engine.common(), ...args], env)
  }

  async ended(id) {
    return Number(await this.cluster.engine.podman(['wait', '--interval', '50ms', id]))
  }

  // What the kubelet does, from the node: start-up first, then readiness and liveness side by side.
  async probe() {
    const { startupProbe, readinessProbe, livenessProbe } = this.container
    if (startupProbe) await this.each(startupProbe, 'startup', (ok, again) => ok || again)
    await Promise.all([
      readinessProbe ? this.each(readinessProbe, 'readiness', (ok, again) => { this.ready = ok || (this.ready && again) }) : (this.ready = true),
      livenessProbe && this.each(livenessProbe, 'liveness', (ok, again) => { if (!ok && !again) this.restarts.push('liveness') }),
    ])
  }

  // Asks until the pod ends, or for start-up until it has succeeded. `again`: the threshold of failures is not reached.
  async each(probe, kind, tell) {
    only(probe, ['httpGet', 'initialDelaySeconds', 'periodSeconds', 'timeoutSeconds', 'failureThreshold'], `${kind} probe of ${this.name}`)
    await sleep((probe.initialDelaySeconds ?? 0) * 1000)
    for (let failures = 0; !this.gone;) {
      const status = await this.get(only(probe.httpGet, ['path', 'port', 'scheme'], `${kind} probe`), (probe.timeoutSeconds ?? 1) * 1000)
      const ok = status >= 200 && status < 400
      failures = ok ? 0 : failures + 1
      ;(this.probed[kind] ??= []).push({ at: Date.now() - this.began, status })
      const again = failures < (probe.failureThreshold ?? 3)
      tell(ok, again)
      if (kind === 'startup' && ok) return
      if (kind === 'startup' && !again) {
        this.restarts.push('startup')
        return
      }
      await sleep((probe.periodSeconds ?? 10) * 1000)
    }
  }

  port(name) {
    if (typeof name === 'number') return name
    const port = this.container.ports?.find((port) => port.name === name)?.containerPort
    if (!port) throw new Error(`${this.name} has no port ${name}`)
    return port
  }

  // The status, or 0 when nothing answers.
  get({ path: target = '/', port, scheme = 'HTTP' }, timeout = 2000) {
    if (scheme !== 'HTTP') throw new Error(`these tests cannot ask by ${scheme}`)
    return new Promise((resolve) => {
      const request = http.get({ host: this.ip, port: this.port(port), path: target, timeout, agent: false }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode)).on('error', () => resolve(0))
      })
      request.on('timeout', () => request.destroy()).on('error', () => resolve(0))
    })
  }

  logs() {
    return this.cluster.engine.logs(this.id)
  }

  // As when a pod is deleted: it leaves the Services at once, then `preStop`, then SIGTERM, and SIGKILL after the grace.
  // Returns the exit code (137 when it had to be killed) and how long it took from SIGTERM on, in milliseconds.
  async terminate({ preStop = true } = {}) {
    this.terminating = true
    const { sleep: pause } = only(only(this.container.lifecycle, ['preStop'], `${this.name}: lifecycle`).preStop, ['sleep'], `${this.name}: preStop`)
    const wait = preStop && pause ? pause.seconds : 0
    await sleep(wait * 1000)
    const began = Date.now()
    await this.cluster.engine.podman(['stop', '--time', String((this.spec.terminationGracePeriodSeconds ?? 30) - wait), this.id])
    const code = await this.exit
    this.gone = true
    return { code, took: Date.now() - began }
  }

  async down() {
    this.gone = true
    this.volumes.down()
  }
}

function resources({ limits = {}, requests = {} } = {}) {
  only({ ...limits, ...requests }, ['cpu', 'memory', 'ephemeral-storage'], 'resources')
  const memory = limits.memory && String(quantity(limits.memory))
  return [
    ...(memory ? ['--memory', memory, '--memory-swap', memory] : []),
    ...(limits.cpu ? ['--cpus', String(quantity(limits.cpu))] : []),
    ...(requests.cpu ? ['--cpu-shares', String(Math.max(2, Math.round(quantity(requests.cpu) * 1024)))] : []),
  ]
}

const missing = (what) => {
  throw new Error(`${what} is not there`)
}
