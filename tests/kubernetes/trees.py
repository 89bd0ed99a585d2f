"""The other shapes of the same objects: the committed trees, folders of files, and kustomizations."""

import json
import shutil
import subprocess

import yaml

from projects import ROOT, WORK, mainstay, parse, title


def check_committed(systems):
    """The rendered trees under systems/ are what would be rendered now."""
    problems = []
    for system in systems:
        committed = system.folder / "k8s"
        if not committed.is_dir():
            place = committed.relative_to(ROOT)
            problems.append(f"{place} is missing; run `mainstay render {place.parent} --out {place}` and commit it")
            continue
        done = mainstay("render", system.folder, "--check", "--out", committed, check=False)
        if done.returncode != 0:
            problems.append(f"{system.name}: {done.stderr.strip() or done.stdout.strip()}")
    return problems


def by_name(objects):
    """Objects by kind, namespace and name, as text that can be compared."""
    return {(item["apiVersion"], title(item)): json.dumps(item, sort_keys=True) for item in objects}


def differences(label, expected, found):
    """Sentences about objects that are missing, too many or different."""
    expected, found = by_name(expected), by_name(found)
    problems = [f"{label}: {name} is missing" for _, name in expected.keys() - found.keys()]
    problems += [f"{label}: {name} is too much" for _, name in found.keys() - expected.keys()]
    problems += [f"{label}: {key[1]} differs" for key in expected.keys() & found.keys() if expected[key] != found[key]]
    return problems


def check_folders(projects):
    """A tree holds exactly the objects of the stream, one in each file, and `--check` agrees with what was written."""
    problems = []
    for project in projects:
        folder = WORK / "trees" / project.name
        shutil.rmtree(folder, ignore_errors=True)
        mainstay("render", project.folder, "--out", folder)
        files = sorted(folder.rglob("*.yaml"))
        contents = [parse(file.read_text()) for file in files]
        problems += [f"{f}: {len(c)} objects" for f, c in zip(files, contents) if len(c) != 1]
        problems += differences(f"{project.name} as files", project.objects, [o for c in contents for o in c])
        if mainstay("render", project.folder, "--check", "--out", folder, check=False).returncode != 0:
            problems.append(f"{project.name}: --check refuses what was just written")
        files[0].write_text(files[0].read_text() + "# changed by hand\n")
        if mainstay("render", project.folder, "--check", "--out", folder, check=False).returncode == 0:
            problems.append(f"{project.name}: --check does not see that a file was changed")
    return problems


def kubectl(program, *arguments):
    """What `kubectl kustomize` prints; an error says what it said."""
    done = subprocess.run([program, "kustomize", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def check_kustomize(program, projects):
    """`kubectl kustomize` makes the same objects of the default overlay, and something of every other one."""
    problems = []
    for project in projects:
        folder = WORK / "kustomize" / project.name
        shutil.rmtree(folder, ignore_errors=True)
        mainstay("render", project.folder, "--format", "kustomize", "--out", folder)
        for overlay in sorted((folder / "overlays").iterdir()):
            label = f"{project.name} {overlay.name}"
            try:
                objects = parse(kubectl(program, overlay))
            except (RuntimeError, yaml.YAMLError) as error:
                problems.append(f"{label}: {error}")
                continue
            if overlay.name == "default":
                problems += differences(f"{label} by kustomize", project.objects, objects)
            elif not objects:
                problems.append(f"{label}: no objects")
    return problems
