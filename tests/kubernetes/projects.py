"""What is rendered: every system, every fixture project, and combinations of settings."""

import concurrent.futures
import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import tomllib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
WORK = ROOT / "target" / "kubernetes"
MAINSTAY = os.environ.get("MAINSTAY_BIN", str(ROOT / "target/debug/mainstay"))

MIGRATION = "create table public.orders (id bigint generated always as identity primary key, note text);\n"


@dataclasses.dataclass(eq=False)
class Project:
    """A project folder, and what it renders to."""

    name: str
    folder: pathlib.Path
    kind: str  # "system", "fixture", "option" or "pairs"
    options: frozenset = frozenset()  # of combinations.toml: "tls.manual"
    text: str = ""
    objects: list = dataclasses.field(default_factory=list)

    @property
    def stream(self):
        """The rendered objects as one file."""
        return WORK / "rendered" / f"{self.name}.yaml"


def mainstay(*arguments, check=True):
    """Runs the binary, without any setting of the machine's environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
    done = subprocess.run([MAINSTAY, *map(str, arguments)], capture_output=True, text=True, env=environment)
    if check and done.returncode != 0:
        raise RuntimeError(f"mainstay {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr.strip()}")
    return done


def parse(text):
    """All documents of a stream."""
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def title(item):
    """`Deployment shop/gateway`."""
    meta = item.get("metadata", {})
    return f"{item.get('kind')} {meta.get('namespace', '')}/{meta.get('name', '')}".replace(" /", " ")


# === the matrix ===


def all_projects():
    """(projects, refusals): a refusal is (project, a part of the sentence)."""
    found = [Project(f"system-{f.name}", f, "system") for f in sorted((ROOT / "systems").iterdir()) if f.is_dir()]
    fixtures = ROOT / "crates/deploy/tests/fixtures"
    found += [Project(f"fixture-{f.name}", f, "fixture") for f in sorted(fixtures.iterdir()) if f.is_dir()]
    axes, refused = settings()
    for kind, picks in [("option", alone(axes, refused)), ("pairs", pairs(axes, refused))]:
        for name, pick in picks:
            chosen = frozenset(f"{axis}.{option}" for axis, option in pick.items())
            found.append(Project(name, write(name, axes, pick), kind, chosen))
    refusals = []
    for (one, other), says in refused.items():
        name = f"refused-{one}-{other}"
        pick = {axis: option for axis, option in (one.split("."), other.split("."))}
        refusals.append((Project(name, write(name, axes, pick), "refused"), says))
    return found, refusals


def settings():
    """The axes of combinations.toml, and the pairs that are refused."""
    document = tomllib.loads((HERE / "combinations.toml").read_text())
    refused = {}
    for entry in document.pop("refused"):
        for pair in itertools.product(entry["these"], entry["with"]):
            for name in pair:
                axis, option = name.split(".")
                assert option in document[axis], f"combinations.toml: there is no {name}"
            refused[pair] = entry["says"]
    return document, refused


def fits(pick, refused):
    """Whether a choice of options (axis to option) holds no refused pair."""
    chosen = {f"{axis}.{option}" for axis, option in pick.items()}
    return not any(one in chosen and other in chosen for one, other in refused)


# What an option needs beside it, when it is checked alone.
COMPANY = {"tls": {"expose": "ingress"}, "exporters": {"monitoring": "bundled"}, "alerts": {"monitoring": "bundled"}}


def alone(axes, refused):
    """Each option with the first one of every other axis."""
    usual = {axis: next(iter(options)) for axis, options in axes.items()}
    yield "option-usual", usual
    for axis, options in axes.items():
        for option in list(options)[1:]:
            pick = {**usual, **COMPANY.get(axis, {}), axis: option}
            assert fits(pick, refused), f"{axis}.{option} is not possible alone"
            yield f"option-{axis}-{option}", pick


def pairs(axes, refused):
    """Combinations in which every possible pair of options occurs. The same ones each time."""
    names = list(axes)
    wanted = {
        ((a, x), (b, y))
        for a, b in itertools.combinations(names, 2)
        for x in axes[a]
        for y in axes[b]
        if fits({a: x, b: y}, refused)
    }
    count = 0
    while wanted:
        seed = min(wanted)
        pick = dict(seed)
        for axis in names:
            if axis in pick:
                continue

            def gain(option):
                return sum(
                    pair in wanted
                    for other, value in pick.items()
                    for pair in [tuple(sorted([(axis, option), (other, value)], key=lambda p: names.index(p[0])))]
                )

            possible = [option for option in axes[axis] if fits({**pick, axis: option}, refused)]
            pick[axis] = max(possible, key=gain)
        wanted -= set(itertools.combinations([(axis, pick[axis]) for axis in names], 2))
        count += 1
        yield f"pairs-{count:03}", pick


def write(name, axes, pick):
    """Makes the project folder of a combination."""
    document = {"name": "shop"}
    for axis, option in pick.items():
        merge(document, axes[axis][option], f"{name}: {axis}.{option}")
    folder = WORK / "projects" / name
    (folder / "migrations").mkdir(parents=True, exist_ok=True)
    (folder / "mainstay.toml").write_text("\n".join(toml(document)) + "\n")
    (folder / "migrations/0001_orders.sql").write_text(MIGRATION)
    return folder


def merge(into, more, place):
    """Adds a table to a table. Two options that set one key would hide each other."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value, f"{place}.{key}")
        elif key in into and into[key] != value:
            raise ValueError(f"{place}.{key} is set twice")
        else:
            into[key] = json.loads(json.dumps(value))


def toml(table, path=()):
    """Lines of a TOML document: plain keys first, then the tables."""
    if path:
        yield f"[{'.'.join(path)}]"
    for key, value in table.items():
        if not isinstance(value, dict):
            yield f"{json.dumps(key)} = {json.dumps(value)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield from toml(value, (*path, json.dumps(key)))


# === rendering ===


def render(project):
    """Fills in the objects of a project."""
    project.text = mainstay("render", project.folder).stdout
    project.stream.parent.mkdir(parents=True, exist_ok=True)
    project.stream.write_text(project.text)
    project.objects = parse(project.text)
    return project


def render_all(projects):
    """Renders all projects; returns sentences about those that would not."""
    problems = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for project, future in [(p, pool.submit(render, p)) for p in projects]:
            try:
                future.result()
            except RuntimeError as error:
                problems.append(f"{project.name}: {error}")
    return problems


def check_refusals(refusals):
    """Settings that contradict each other must be refused with the sentence that was promised."""
    problems = []
    for project, says in refusals:
        done = mainstay("render", project.folder, check=False)
        if done.returncode == 0:
            problems.append(f"{project.name}: was rendered and should have been refused")
        elif says not in done.stderr:
            problems.append(f"{project.name}: refused without the words {says!r}: {done.stderr.strip()}")
    return problems
