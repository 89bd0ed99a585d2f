"""checkov over rendered trees."""

import functools


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
    """What checkov finds in a file: a sorted list of (check, `Kind.namespace.name`, sentence), and how many passed."""
    runner, options = _tools()
    # the network is never asked: no platform is configured, and policies come with the package
    report = runner().run(root_folder=None, files=[str(file)], runner_filter=options(framework=["kubernetes"]))
    if report.parsing_errors:
        raise RuntimeError(f"checkov cannot read {file}")
    found = {(r.check_id, ".".join(r.resource.split(".")[:3]), r.check_name) for r in report.failed_checks}
    return sorted(found), len(report.passed_checks)
