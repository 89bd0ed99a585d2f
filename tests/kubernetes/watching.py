"""promtool and amtool over the configurations of Prometheus and Alertmanager that stand in the objects."""

import functools
import json
import re
import shutil
import subprocess

import yaml

from projects import WORK, title


def run(*arguments):
    """(whether the program was content, what it said)."""
    done = subprocess.run([*map(str, arguments)], capture_output=True, text=True)
    said = " ".join((done.stdout + done.stderr).split())
    return done.returncode == 0, re.sub(rf"{re.escape(str(WORK))}/watching/[0-9]+/", "", said)


def configurations(objects):
    """(name of the file, text) of every ConfigMap, and the groups of every PrometheusRule as a rule file."""
    for item in objects:
        if item["kind"] == "ConfigMap":
            for name, text in (item.get("data") or {}).items():
                yield title(item), name, text
        elif item["kind"] == "PrometheusRule":
            yield title(item), "rules.yaml", yaml.safe_dump(item["spec"])


@functools.cache
def check_rules(text):
    """Rules as promtool reads them; the same text is checked once."""
    good, said = run("promtool", "check", "rules", _file("rules.yaml", text))
    return None if good and "SUCCESS" in said else f"promtool check rules: {said}"


@functools.cache
def check_prometheus(text, rules):
    """A configuration together with its rules.

    Debian's Prometheus is built without discovery in Kubernetes and there is no token on this machine: each discovery
    is replaced by a fixed target. Its form is checked by Prometheus wherever it runs, and by crates/monitoring.
    """
    config = yaml.safe_load(text)
    jobs = config["scrape_configs"]
    if not any("kubernetes_sd_configs" in job for job in jobs):
        return "prometheus.yml discovers nothing in Kubernetes"
    for job in jobs:
        for discovery in job.pop("kubernetes_sd_configs", []):
            if discovery.get("role") not in {"pod", "node", "service", "endpointslice", "endpoints", "ingress"}:
                return f"prometheus.yml: job {job['job_name']} discovers {discovery.get('role')!r}"
            job["static_configs"] = [{"targets": ["localhost:1"]}]
            for file in ["authorization", "tls_config"]:
                job.pop(file, None)
    folder = _file("prometheus.yml", "").parent
    (folder / "rules.yaml").write_text(rules)
    config["rule_files"] = [str(folder / "rules.yaml")]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    good, said = run("promtool", "check", "config", folder / "prometheus.yml")
    return None if good and "1 rule files found" in said else f"promtool check config: {said}"


@functools.cache
def check_alertmanager(text, namespace):
    """A configuration as amtool reads and routes it."""
    config = yaml.safe_load(text)
    for receiver in config["receivers"]:
        for webhook in receiver.get("webhook_configs", []):
            # Debian's amtool is 0.25 and knows the URL in a file only from 0.26 on
            webhook["url"] = "https://example.com/" + webhook.pop("url_file").rsplit("/", 1)[-1]
    file = _file("alertmanager.yml", yaml.safe_dump(config))
    good, said = run("amtool", "check-config", file)
    if not good:
        return f"amtool check-config: {said}"
    info = {receiver["name"] for receiver in config["receivers"]} & {"info"}
    routes = {
        ("severity=critical", "alertname=RoleDown"): "critical",
        ("severity=warning", "alertname=KubeHpaMaxedOut"): "warning",
        ("severity=info", "alertname=CPUThrottlingHigh"): "info" if info else "null",
        ("severity=none", "alertname=Watchdog"): "watchdog",
        ("severity=none", "alertname=InfoInhibitor"): "null",
    }
    for labels, receiver in routes.items():
        if (said := _route(file, f"namespace={namespace}", *labels)) != receiver:
            return f"amtool config routes test {' '.join(labels)}: {said!r} and not {receiver!r}"
    said = _route(file, "namespace=other", "severity=critical")
    return None if said == "null" else f"alerts of other namespaces go to {said!r} and not to \"null\""


def _route(file, *labels):
    """The receiver that an alert with these labels reaches."""
    command = ["amtool", "config", "routes", "test", f"--config.file={file}", *labels]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


@functools.cache
def _number():
    return iter(range(1_000_000))


def _file(name, text):
    folder = WORK / "watching" / str(next(_number()))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


@functools.cache
def check_shell(text):
    """A script, as the shell parses it."""
    good, said = run("sh", "-n", _file("script.sh", text))
    return None if good else f"sh -n: {said}"


@functools.cache
def check_parses(name, text):
    """A file that some program will read: at least its form is right."""
    try:
        json.loads(text) if name.endswith(".json") else list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except (ValueError, yaml.YAMLError) as error:
        return str(error)
    return None


def check(projects):
    """Everything of this file, for all projects; (problems, what was checked)."""
    for program in ["promtool", "amtool"]:
        if shutil.which(program) is None:
            return [f"{program} is missing; run `cargo xtask kubernetes`"], {}
    shutil.rmtree(WORK / "watching", ignore_errors=True)
    problems, count = [], {"rules": 0, "prometheus.yml": 0, "alertmanager.yml": 0, "scripts": 0, "other files": 0}
    for project in projects:
        files = list(configurations(project.objects))
        for owner, name, text in files:
            if name == "rules.yaml":
                kind, problem = "rules", check_rules(text)
            elif name == "prometheus.yml":
                rules = next((other for _, label, other in files if label == "rules.yaml"), "groups: []")
                kind, problem = name, check_prometheus(text, rules)
            elif name == "alertmanager.yml":
                kind, problem = name, check_alertmanager(text, owner.split(" ")[1].split("/")[0])
            elif name.endswith(".sh"):
                kind, problem = "scripts", check_shell(text)
            elif name.endswith((".json", ".yaml", ".yml")):
                kind, problem = "other files", check_parses(name, text)
            else:
                continue
            count[kind] += 1
            if problem:
                problems.append(f"{project.name}: {owner} {name}: {problem}")
    return problems, count
