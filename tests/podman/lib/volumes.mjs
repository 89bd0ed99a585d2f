// The volumes of a pod as the kubelet makes them.
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { only, quantity } from './objects.mjs'

export class Volumes {
  // `secrets` and `configMaps`: by name, key to value.
  constructor(home, spec, { secrets, configMaps }) {
    this.home = home
    this.mounted = []
    this.group = spec.securityContext?.fsGroup
    this.folders = Object.fromEntries((spec.volumes ?? []).map((volume) => {
      only(volume, ['name', 'secret', 'configMap', 'emptyDir'], `volume ${volume.name}`)
      if (volume.secret) return [volume.name, this.files(volume, only(volume.secret, ['secretName', 'defaultMode'], volume.name), secrets[volume.secret.secretName])]
      if (volume.configMap) return [volume.name, this.files(volume, only(volume.configMap, ['name', 'defaultMode', 'items'], volume.name), configMaps[volume.configMap.name])]
      return [volume.name, this.empty(volume, only(volume.emptyDir, ['sizeLimit', 'medium'], volume.name))]
    }))
  }

  folder(name) {
    const made = path.join(this.home, name)
    mkdirSync(made, { recursive: true })
    return made
  }

  // Keys as files behind two links, so that all of them change at once; readable by the pod's group.
  files({ name }, { defaultMode = 0o644, items }, values) {
    if (!values) throw new Error(`volume ${name}: what it is made of is not there`)
    const folder = this.folder(name)
    const data = this.folder(path.join(name, '..2026_01_01_00_00_00.1'))
    symlinkSync(path.basename(data), path.join(folder, '..data'))
    const entries = items ? items.map(({ key, path }) => [path, values[key]]) : Object.entries(values)
    for (const [file, value] of entries) {
      if (value === undefined) throw new Error(`volume ${name}: key ${file} is not there`)
      const target = path.join(data, file)
      writeFileSync(target, value)
      if (this.group !== undefined) chownSync(target, 0, this.group)
      chmodSync(target, defaultMode | (this.group === undefined ? 0 : 0o440))
      symlinkSync(path.join('..data', file), path.join(folder, file))
    }
    for (const made of [folder, data]) {
      if (this.group !== undefined) chownSync(made, 0, this.group)
      chmodSync(made, 0o3775)
    }
    return { folder, data, readOnly: true }
  }

  // A size limit that holds: the kubelet evicts, the kernel refuses; both end in the same place.
  empty({ name }, { sizeLimit }) {
    const folder = this.folder(name)
    const options = ['mode=2777', ...(this.group === undefined ? [] : [`gid=${this.group}`]), ...(sizeLimit ? [`size=${quantity(sizeLimit)}`] : [])]
    execFileSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', folder])
    this.mounted.push(folder)
    return { folder, readOnly: false }
  }

  arguments(mounts = []) {
    return mounts.flatMap((mount) => {
      only(mount, ['name', 'mountPath', 'readOnly', 'subPath'], `mount of ${mount.name}`)
      const volume = this.folders[mount.name]
      if (!volume) throw new Error(`there is no volume ${mount.name}`)
      const source = mount.subPath ? path.join(volume.data ?? volume.folder, mount.subPath) : volume.folder
      return ['--volume', `${source}:${mount.mountPath}:${volume.readOnly || mount.readOnly ? 'ro' : 'rw'}`]
    })
  }

  down() {
    for (const folder of this.mounted) execFileSync('umount', ['--lazy', folder])
    this.mounted = []
  }
}
