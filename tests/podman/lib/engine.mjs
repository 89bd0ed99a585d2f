// Podman with a storage of its own: nothing of the tester's images and containers is seen or touched.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

// What Debian and Fedora install; RuntimeDefault is the runtime's own profile, which this is for Podman.
const SECCOMP = '/usr/share/containers/seccomp.json'

// A machine with both cgroup hierarchies, as some virtual machines boot: crun refuses when the second one has
// controllers. The wrapper hides it from crun, in a mount namespace of its own.
const HYBRID = '/sys/fs/cgroup/unified/cgroup.controllers'
const WRAPPER = `#!/bin/sh
exec unshare --mount --propagation slave /bin/sh -c 'umount /sys/fs/cgroup/unified && exec crun "$@"' crun "$@"
`

export class Engine {
  constructor(home) {
    this.home = home
    const folder = (name) => {
      mkdirSync(path.join(home, name), { recursive: true })
      return path.join(home, name)
    }
    this.options = ['--root', folder('r'), '--runroot', folder('x'), '--tmpdir', folder('t'), '--network-config-dir', folder('n'),
      '--cgroup-manager', 'cgroupfs', '--events-backend', 'none']
    if (existsSync(HYBRID) && readFileSync(HYBRID, 'utf8').trim()) {
      const wrapper = path.join(home, 'crun')
      writeFileSync(wrapper, WRAPPER, { mode: 0o755 })
      this.options.push('--runtime', wrapper)
    }
  }

  // `env` reaches the container by `--env NAME` without its value in an argument list.
  async podman(args, env = {}) {
    const { PATH, HOME } = process.env
    try {
      const { stdout } = await run('podman', [...this.options, ...args], { env: { PATH, HOME, ...env }, maxBuffer: 64 << 20 })
      return stdout.trim()
    } catch (error) {
      throw new Error(`podman ${args[0]}: ${error.stderr || error.message}`)
    }
  }

  // What every container gets. The limits are those of the tester: raising them is not always allowed.
  common() {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const hard = (name, most) => Math.min(Number(new RegExp(`^Max ${name} +\\S+ +(\\d+)`, 'm').exec(limits)?.[1] ?? most), most)
    // Podman lowers its own limit of processes to as many as the kernel numbers by default
    const [files, processes] = [hard('open files', 1048576), hard('processes', 32768)]
    return ['--ulimit', `nofile=${files}:${files}`, '--ulimit', `nproc=${processes}:${processes}`, '--pull', 'never', '--http-proxy=false', '--cgroupns', 'private', '--security-opt', `seccomp=${SECCOMP}`]
  }

  async load(archive) {
    return (await this.podman(['load', '--quiet', '--input', archive])).replace(/^Loaded image: /, '')
  }

  async inspect(id) {
    return JSON.parse(await this.podman(['inspect', id]))[0]
  }

  // Both streams, in order of neither.
  async logs(id) {
    const { stdout, stderr } = await run('podman', [...this.options, 'logs', id], { maxBuffer: 64 << 20 })
    return stdout + stderr
  }

  async down() {
    await this.podman(['rm', '--all', '--force', '--time', '0']).catch(() => {})
    await this.podman(['network', 'prune', '--force']).catch(() => {})
    await run('umount', [path.join(this.home, 'r/overlay')]).catch(() => {})
  }
}
