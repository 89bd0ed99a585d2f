"""Our admission policies, evaluated: they must let pass what is rendered, and refuse what they are about."""

import copy
import functools

import cel

from projects import title

PLURALS = {
    "Deployment": ("apps", "deployments"),
    "StatefulSet": ("apps", "statefulsets"),
    "DaemonSet": ("apps", "daemonsets"),
    "Job": ("batch", "jobs"),
    "Service": ("", "services"),
}


@functools.cache
def _program(expression):
    return cel.compile(expression)


def verdicts(policy, item):
    """The messages of the rules that refuse an object."""
    group, plural = PLURALS[item["kind"]]
    rules = policy["spec"]["matchConstraints"]["resourceRules"]
    if not any(group in rule["apiGroups"] and plural in rule["resources"] for rule in rules):
        return []
    known = {"object": item, "variables": {}}
    for variable in policy["spec"].get("variables", []):
        known["variables"][variable["name"]] = _program(variable["expression"]).execute(known)
    validations = policy["spec"]["validations"]
    return [rule["message"] for rule in validations if _program(rule["expression"]).execute(known) is not True]


def of(project):
    """The policies of a project, and the objects of its namespace that they are about."""
    kinds = {"ValidatingAdmissionPolicy", "ValidatingPolicy"}
    policies = [item for item in project.objects if item["kind"] in kinds]
    namespace = next((i["metadata"]["name"] for i in project.objects if i["kind"] == "Namespace"), None)
    about = [i for i in project.objects if i["kind"] in PLURALS and i["metadata"]["namespace"] == namespace]
    return policies, about


def check(projects):
    """(problems, how many verdicts there were)."""
    problems, count = [], 0
    for project in projects:
        policies, about = of(project)
        for policy in policies:
            for item in about:
                count += 1
                try:
                    refused = verdicts(policy, item)
                except Exception as error:  # of any kind: an expression that cannot be evaluated refuses everything
                    refused = [f"cannot be evaluated: {error}"]
                name = policy["metadata"]["name"]
                problems += [f"{project.name}: {name} refuses {title(item)}: {message}" for message in refused]
    return problems, count


def _is_gateway(item, project):
    """Whether a Service leads to the gateway, which alone may be exposed."""
    if item["kind"] != "Service":
        return False
    exposed = {"LoadBalancer", "NodePort"}
    selectors = [i["spec"].get("selector") for i in project.objects if i.get("spec", {}).get("type") in exposed]
    selector = item["spec"].get("selector") or {}
    return selector in selectors or bool({"gateway", "front", "app"} & set(selector.values()))


# What each policy is for: (kind of the object, how to break it, words of the message)
BROKEN = [
    ("Deployment", lambda pod, item: _first(pod).update(image="shop:latest"), "`latest`"),
    ("Deployment", lambda pod, item: _first(pod).update(image="registry.example.com/shop"), "version or a digest"),
    ("StatefulSet", lambda pod, item: _first(pod)["resources"]["limits"].pop("memory"), "memory limit"),
    ("Job", lambda pod, item: _first(pod).pop("resources"), "requests"),
    ("Deployment", lambda pod, item: _first(pod).pop("readinessProbe"), "readiness"),
    ("Deployment", lambda pod, item: _first(pod)["securityContext"].pop("readOnlyRootFilesystem"), "read-only"),
    ("Deployment", lambda pod, item: pod.update(automountServiceAccountToken=True), "token"),
    ("Service", lambda pod, item: item["spec"].update(type="NodePort"), "Only the gateway is exposed"),
]


def _first(pod):
    return pod["containers"][0]


def check_refusals(projects):
    """Every policy refuses what it is about."""
    problems = []
    for project in projects:
        policies, about = of(project)
        for kind, break_it, words in BROKEN if policies else []:
            item = copy.deepcopy(next((i for i in about if i["kind"] == kind and not _is_gateway(i, project)), None))
            if item is None:
                continue
            break_it(item["spec"].get("template", {}).get("spec"), item)
            if not any(words in message for policy in policies for message in verdicts(policy, item)):
                problems.append(f"{project.name}: no policy says {words!r} of a broken {title(item)}")
    return problems
