"""checkov over rendered trees, and the list of findings that are explained."""

import functools
import pathlib
import re
import tomllib

from projects import HERE

EXPLAINED = HERE / "checkov-explained.toml"


@functools.cache
def _tools():
    # takes two seconds to import: only the processes that use it pay
    import logging
    import os

    # one process for each file is ours; checkov would start more in each
    os.environ["CHECKOV_PARALLELIZATION_TYPE"] = "none"
    logging.disable(logging.WARNING)
    from checkov.kubernetes.runner import Runner
    from checkov.runner_filter import RunnerFilter

    return Runner, RunnerFilter


def findings(file):
    """What checkov finds in a file: a sorted list of (check, resource, sentence), and how many checks passed."""
    runner, options = _tools()
    # the network is never asked: no platform is configured, and policies come with the package
    report = runner().run(root_folder=None, files=[str(file)], runner_filter=options(framework=["kubernetes"]))
    if report.parsing_errors:
        raise RuntimeError(f"checkov cannot read {file}")
    found = {(record.check_id, _resource(record.resource), record.check_name) for record in report.failed_checks}
    return sorted(found), len(report.passed_checks)


def _resource(text):
    """`Deployment.shop.gateway` of what may have more behind it, for pods of a template."""
    return ".".join(text.split(".")[:3])


def read_explained(path: pathlib.Path = EXPLAINED):
    """The list: each entry has `check`, `resources` (patterns) and `reason`."""
    entries = tomllib.loads(path.read_text())["explained"]
    for entry in entries:
        unknown = set(entry) - {"check", "resources", "reason"}
        if unknown or not entry.get("check") or not entry.get("resources") or len(entry.get("reason", "")) < 20:
            raise ValueError(f"checkov-explained.toml: an entry needs check, resources and a reason: {entry}")
    return entries


def matches(entry, pattern, check, resource):
    """Whether an entry's pattern is about a finding. `*` stands for any letters within a part of the name."""
    expression = re.escape(pattern).replace(r"\*", "[^.]*")
    return entry["check"] == check and re.fullmatch(expression, resource) is not None


def judge(found, used, entries):
    """Findings without an explanation. Adds to `used` which (entry, pattern) explained something."""
    unexplained = []
    for check, resource, sentence in found:
        hits = {
            (number, pattern)
            for number, entry in enumerate(entries)
            for pattern in entry["resources"]
            if matches(entry, pattern, check, resource)
        }
        used |= hits
        if not hits:
            unexplained.append((check, resource, sentence))
    return unexplained


def check(results):
    """Judges (project name, findings) pairs: unexplained findings, and explanations that explain nothing any more."""
    entries, used, problems = read_explained(), set(), []
    for name, found in results:
        for check_id, resource, sentence in judge(found, used, entries):
            problems.append(f"{name}: {check_id} {resource}: {sentence}")
    for number, entry in enumerate(entries):
        for pattern in entry["resources"]:
            if (number, pattern) not in used:
                problems.append(f"checkov-explained.toml: {entry['check']} {pattern!r} matches nothing; take it out")
    return problems
