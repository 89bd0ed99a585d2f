"""Checks everything that is rendered for Kubernetes. `cargo xtask kubernetes` prepares the tools and runs this.

`check.py [WORD]` runs only the steps whose name begins with the word.
"""

import concurrent.futures
import json
import multiprocessing
import os
import sys
import time
import traceback

import explained
import hardening
import mutations
import policies
import projects
import schemas
import trees
import watching

CORES = os.cpu_count() or 2
ALL, REFUSALS = projects.all_projects()
MAIN = [project for project in ALL if project.kind in {"system", "fixture"}]
SINGLE = [project for project in ALL if project.kind != "pairs"]


def in_processes(function, items, size=4):
    """The results of a function, by as many processes as there are cores. They know what is rendered already."""
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(CORES, mp_context=context) as pool:
        return list(pool.map(function, items, chunksize=size))


def in_threads(function, items):
    """The same for functions that wait for another program."""
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(function, items))


# === steps: each returns sentences about what is wrong, and a word about what was done ===


def rendering():
    began = time.monotonic()
    problems = projects.render_all(MAIN)
    seconds = time.monotonic() - began
    problems += projects.render_all([project for project in ALL if project not in MAIN])
    objects = sum(len(project.objects) for project in ALL)
    kinds = {kind: sum(project.kind == kind for project in ALL) for kind in ["system", "fixture", "option", "pairs"]}
    told = f"{len(ALL)} projects ({kinds}), {objects} objects; systems and fixtures alone took {seconds:.2f} s"
    # the other steps still have something to tell about the rest
    for these in [ALL, MAIN, SINGLE]:
        these[:] = [project for project in these if project.objects]
    return problems, told


def refusals():
    return projects.check_refusals(REFUSALS), f"{len(REFUSALS)} pairs of settings that contradict each other"


def names():
    return [f"{p.name}: {problem}" for p in ALL for problem in schemas.check_names(p.objects)], "each object once"


def schema():
    owners = {}
    for project in ALL:
        for item in project.objects:
            owners.setdefault(schemas.key(item), f"{project.name}: {projects.title(item)}")
    found = in_processes(schemas.problems, owners, 50)
    problems = [f"{owner}: {p}" for owner, problems in zip(owners.values(), found) for p in problems]
    return problems, f"{len(owners)} different objects, Kubernetes {schemas.VERSIONS[0]} to {schemas.VERSIONS[-1]}"


def lint():
    listed = explained.Explained(projects.HERE / "lint-explained.toml")
    problems, advice = [], 0

    def run(project):
        return json.loads(projects.mainstay("lint", "--json", project.stream, check=False).stdout)

    for project, report in zip(ALL, in_threads(run, ALL)):
        warnings = []
        for finding in report["findings"]:
            resource = finding["object"].replace(" ", ".").replace("/", ".")
            if "/" not in finding["object"]:
                resource = finding["object"].replace(" ", "..")
            if finding["severity"] == "error":
                problems.append(f"{project.name}: {finding['code']} {finding['object']}: {finding['message']}")
            elif finding["severity"] == "warning":
                warnings.append((finding["code"], resource, finding["message"]))
            else:
                advice += 1
        problems += listed.judge(project, warnings)
        if report["objects"] != len(project.objects):
            problems.append(f"{project.name}: lint saw {report['objects']} of {len(project.objects)} objects")
    return problems + listed.stale(), f"{len(ALL)} projects, {advice} pieces of advice"


def checkov():
    listed = explained.Explained(projects.HERE / "checkov-explained.toml")
    # the pairs bring no container that the options did not bring
    results = in_processes(hardening.findings, [project.stream for project in SINGLE])
    problems = [p for project, (found, _) in zip(SINGLE, results) for p in listed.judge(project, found)]
    passed = sum(passed for _, passed in results)
    return problems + listed.stale(), f"{len(SINGLE)} projects, {passed} checks passed"


def monitoring():
    problems, count = watching.check(ALL)
    return problems, ", ".join(f"{number} {name}" for name, number in count.items())


def admission():
    problems, count = policies.check(ALL)
    return problems + policies.check_refusals(ALL), f"{count} verdicts of our own policies"


def kustomize():
    # the pinned one
    program = os.path.join(os.path.dirname(sys.executable), "kubectl")
    found = in_threads(lambda project: trees.check_kustomize(program, [project]), SINGLE)
    return [problem for problems in found for problem in problems], f"{len(SINGLE)} projects"


def folders():
    systems = [project for project in ALL if project.kind == "system"]
    return trees.check_folders(MAIN) + trees.check_committed(systems), f"{len(MAIN)} trees, {len(systems)} committed"


def mutate(number):
    try:
        return mutations.run(number, MAIN)
    except (AssertionError, KeyError, IndexError, RuntimeError):
        return [f"{mutations.TABLE[number].name}: {traceback.format_exc(limit=-2)}"], ""


def mutation():
    results = in_processes(mutate, range(len(mutations.TABLE)))
    for _, line in results:
        print(f"    {line}")
    return [problem for problems, _ in results for problem in problems], f"{len(results)} holes"


STEPS = [refusals, names, schema, lint, checkov, monitoring, admission, kustomize, folders, mutation]


def tell(problems):
    """Prints sentences; those that differ only in the project, which stands first, are one."""
    seen = {}
    for problem in problems:
        project, _, sentence = problem.partition(": ")
        seen.setdefault(sentence or problem, []).append(project)
    for sentence, names in list(seen.items())[:40]:
        others = f" (and {len(names) - 1} others)" if len(names) > 1 else ""
        text = f"{names[0]}{others}: {sentence}" if sentence != names[0] else sentence
        print("    " + text.replace("\n", "\n      "))
    if len(seen) > 40:
        print(f"    … and {len(seen) - 40} more")


def main(words):
    failed = []
    for step in [rendering, *STEPS]:
        if words and step is not rendering and not any(step.__name__.startswith(word) for word in words):
            continue
        began = time.monotonic()
        try:
            problems, told = step()
        except Exception:  # of any kind: the other steps still have something to tell
            problems, told = [traceback.format_exc()], "did not finish"
        mark = "FAILED" if problems else "ok"
        print(f"  {mark:<7} {step.__name__:<11} {time.monotonic() - began:>5.1f} s  {told}", flush=True)
        tell(problems)
        if problems:
            failed.append(step.__name__)
    print(f"kubernetes: {'all good' if not failed else 'failed: ' + ', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
