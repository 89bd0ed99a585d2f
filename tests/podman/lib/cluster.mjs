// The little of a cluster that the pods notice: a network, Services with addresses of their own, names by DNS.
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import dgram from 'node:dgram'
import net from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { Engine } from './engine.mjs'
import { Pod } from './pod.mjs'

const run = promisify(execFile)

export class Cluster {
  // database: port of the PostgreSQL on this machine that stands for the database's pods
  constructor(home, objects, { secrets, database }) {
    const third = randomInt(1, 250)
    Object.assign(this, { home, objects, secrets, database, pods: [], addresses: [], servers: [], network: 'pods', engine: new Engine(path.join(home, 'e')) })
    this.configMaps = Object.fromEntries(objects.of('ConfigMap').map(({ metadata, data = {} }) => [metadata.name, data]))
    this.subnet = `10.213.${third}.0/24`
    this.address = (last) => `10.214.${third}.${last}`
    this.image = objects.image
  }

  async up() {
    await this.engine.podman(['network', 'create', '--disable-dns', '--subnet', this.subnet, this.network])
    const domain = `${this.objects.namespace}.svc.cluster.local`
    await this.claim(this.address(10))
    const names = await this.resolver(this.address(10))
    // as the kubelet writes /etc/resolv.conf
    this.dns = ['--dns', this.address(10), ...[domain, 'svc.cluster.local', 'cluster.local'].flatMap((name) => ['--dns-search', name]), '--dns-option', 'ndots:5']
    let last = 20
    for (const service of this.objects.of('Service').filter((service) => service.metadata.namespace === this.objects.namespace)) {
      const address = this.address(last++)
      await this.claim(address)
      names.set(`${service.metadata.name}.${domain}`, address)
      for (const port of service.spec.ports) await this.proxy(address, port, () => this.targets(service, port))
    }
    this.names = names
  }

  // An address that is this machine's own: what the pods send there goes over the bridge to us.
  async claim(address) {
    await run('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
    this.addresses.push(address)
  }

  // Ready pods of a Service, as the EndpointSlice has them. The database's pods are a server of this machine.
  targets({ spec }, { targetPort, port }) {
    const fits = (pod) => Object.entries(spec.selector ?? {}).every(([key, value]) => pod.labels[key] === value)
    if (!this.objects.workloads.some((workload) => fits({ labels: workload.spec.template.metadata.labels }))) {
      const asked = targetPort === 'postgres' || port === 5432
      return asked && this.database ? [{ host: '127.0.0.1', port: this.database }] : []
    }
    return this.pods.filter((pod) => pod.ready && !pod.terminating && fits(pod)).map((pod) => ({ host: pod.ip, port: pod.port(targetPort ?? port) }))
  }

  // kube-proxy: new connections to ready pods in turn, those that are open stay where they are.
  proxy(address, { port }, targets) {
    let turn = 0
    const server = net.createServer({ allowHalfOpen: true }, (from) => {
      const all = targets()
      if (!all.length) return from.resetAndDestroy()
      const to = net.connect({ ...all[turn++ % all.length], allowHalfOpen: true })
      from.pipe(to).pipe(from)
      from.on('error', () => to.destroy())
      to.on('error', () => from.destroy())
    })
    return this.listen(server, port, address)
  }

  listen(server, port, address) {
    this.servers.push(server)
    return new Promise((resolve, reject) => server.on('error', reject).listen(port, address, resolve))
  }

  // A name server (RFC 1035) that knows the Services: A records, nothing of other kinds, and no other names.
  async resolver(address) {
    const names = new Map()
    const server = dgram.createSocket('udp4')
    server.on('message', (message, { port, address }) => {
      let [at, labels] = [12, []]
      for (; message[at]; at += message[at] + 1) labels.push(message.subarray(at + 1, at + 1 + message[at]).toString('latin1').toLowerCase())
      const question = message.subarray(12, at + 5)
      const found = names.get(labels.join('.'))
      const answers = found && question.readUInt16BE(question.length - 4) === 1 ? 1 : 0
      const head = Buffer.alloc(12)
      message.copy(head, 0, 0, 2)
      head.writeUInt16BE(0x8580 | (found ? 0 : 3), 2)
      head.writeUInt16BE(1, 4)
      head.writeUInt16BE(answers, 6)
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...(found ?? '0.0.0.0').split('.').map(Number)])
      server.send(Buffer.concat([head, question, ...(answers ? [record] : [])]), port, address)
    })
    this.servers.push(server)
    await new Promise((resolve, reject) => server.on('error', reject).bind(53, address, resolve))
    return names
  }

  // Pods of a workload or Job that are not started yet.
  pod(object, number = 0) {
    const made = new Pod(this, `${object.metadata.name}-${number}`, object.spec.template)
    this.pods.push(made)
    return made
  }

  async down() {
    for (const pod of this.pods) await pod.down().catch(() => {})
    await this.engine.down()
    for (const server of this.servers) server.close()
    for (const address of this.addresses) await run('ip', ['address', 'del', `${address}/32`, 'dev', 'lo']).catch(() => {})
  }
}
