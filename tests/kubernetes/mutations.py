"""Holes made in good objects: each must be caught by the schemas, by checkov or by `mainstay lint`."""

import copy
import dataclasses
import json
import os

import yaml

import hardening
import schemas
from projects import WORK, mainstay

BUDGET, PORTAL, XRAY = "system-budget-app", "fixture-image-portal", "fixture-xray-api"

# For rendered objects crates/deploy/tests/isolation proves that there is no such hole; in other people's YAML it goes
# unseen. Such a row fails as soon as somebody catches it, so that the table stays true.
NOBODY = "nobody"


@dataclasses.dataclass
class Mutation:
    """A hole: what it is, who is known to catch it, and how it is made."""

    name: str
    by: str  # space-separated: schema, checkov, lint, advice (of lint); or nobody
    change: object
    project: str = PORTAL


class Tree(list):
    """Objects with ways to find them."""

    def one(self, kind, name):
        found = [item for item in self if item["kind"] == kind and item["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} objects are {kind} {name}"
        return found[0]

    def spec(self, kind, name):
        return self.one(kind, name)["spec"]

    def pod(self, name="data", kind="Deployment"):
        return self.spec(kind, name)["template"]["spec"]

    def container(self, name="data", kind="Deployment"):
        return self.pod(name, kind)["containers"][0]

    def drop(self, kind, name=None):
        gone = [i for i in self if i["kind"] == kind and name in {None, i["metadata"]["name"]}]
        assert gone, f"there is no {kind} {name}"
        for item in gone:
            self.remove(item)


TABLE = []


def hole(name, by, project=PORTAL):
    """Adds a function that makes a hole to the table."""

    def add(change):
        TABLE.append(Mutation(name, by, change, project))
        return change

    return add


# === hardening ===


@hole("no readOnlyRootFilesystem", "checkov lint")
def _(tree):
    del tree.container()["securityContext"]["readOnlyRootFilesystem"]


@hole("no runAsNonRoot and no user", "checkov lint")
def _(tree):
    tree.container()["securityContext"].pop("runAsNonRoot")
    for key in ["runAsNonRoot", "runAsUser"]:
        del tree.pod()["securityContext"][key]


@hole("runs as root", "checkov lint")
def _(tree):
    tree.pod()["securityContext"]["runAsUser"] = 0


@hole("user id 1000", "checkov")
def _(tree):
    tree.pod()["securityContext"]["runAsUser"] = 1000


@hole("no seccomp profile", "checkov lint")
def _(tree):
    del tree.pod()["securityContext"]["seccompProfile"]


@hole("token mounted", "checkov lint")
def _(tree):
    tree.pod()["automountServiceAccountToken"] = True


@hole("capabilities not dropped", "checkov lint")
def _(tree):
    del tree.container()["securityContext"]["capabilities"]


@hole("a capability added", "checkov lint")
def _(tree):
    tree.container()["securityContext"]["capabilities"]["add"] = ["NET_ADMIN"]


@hole("privileged", "checkov lint")
def _(tree):
    tree.container()["securityContext"]["privileged"] = True


@hole("privilege escalation", "checkov lint")
def _(tree):
    tree.container()["securityContext"]["allowPrivilegeEscalation"] = True


@hole("host network", "checkov lint")
def _(tree):
    tree.pod()["hostNetwork"] = True


@hole("hostPath / mounted", "lint")
def _(tree):
    tree.pod()["volumes"].append({"name": "host", "hostPath": {"path": "/"}})
    tree.container()["volumeMounts"].append({"name": "host", "mountPath": "/host"})


@hole("no pod security labels", "lint")
def _(tree):
    labels = tree.one("Namespace", "image-portal")["metadata"]["labels"]
    for key in [key for key in labels if key.startswith("pod-security")]:
        del labels[key]


@hole("tag `latest`", "checkov lint")
def _(tree):
    tree.container()["image"] = "registry.example.com/image-portal:latest"


@hole("no tag", "checkov lint")
def _(tree):
    tree.container()["image"] = "registry.example.com/image-portal"


# === resources and probes ===


@hole("no memory limit", "checkov")
def _(tree):
    del tree.container()["resources"]["limits"]["memory"]


@hole("no CPU limit", "checkov")
def _(tree):
    del tree.container()["resources"]["limits"]["cpu"]


@hole("request above limit", "lint")
def _(tree):
    tree.container()["resources"]["requests"]["memory"] = "4Gi"


@hole("a quantity that is none", "lint")
def _(tree):
    tree.container()["resources"]["requests"]["memory"] = "128MB"


@hole("quota too small", "lint")
def _(tree):
    tree.spec("ResourceQuota", "image-portal-rq")["hard"]["requests.memory"] = "256Mi"


@hole("limit range below a container", "lint")
def _(tree):
    tree.spec("LimitRange", "image-portal-lr")["limits"][0]["max"]["memory"] = "32Mi"


@hole("no readiness probe", "checkov lint")
def _(tree):
    del tree.container()["readinessProbe"]


@hole("no liveness probe", "checkov")
def _(tree):
    del tree.container()["livenessProbe"]


@hole("probe of a port that has no such name", "lint")
def _(tree):
    tree.container()["readinessProbe"]["httpGet"]["port"] = "metrcis"


# === Secrets and ConfigMaps ===


@hole("Secret in the environment", "checkov")
def _(tree):
    reference = {"secretKeyRef": {"name": "data-secret", "key": "DATABASE_URL"}}
    tree.container()["env"].append({"name": "DATABASE_URL", "valueFrom": reference})


@hole("password in the environment", "lint")
def _(tree):
    tree.container()["env"].append({"name": "DATABASE_PASSWORD", "value": "correct horse battery"})


@hole("password in a URL in a ConfigMap", "lint")
def _(tree):
    tree.one("ConfigMap", "data-config")["data"]["DATABASE_URL"] = "postgresql://app:s3cret-word@postgres-service/app"


@hole("Secret that is not there", "lint")
def _(tree):
    tree.drop("Secret", "data-secret")


@hole("ConfigMap that is not there", "lint")
def _(tree):
    tree.drop("ConfigMap", "data-config")


@hole("volume that is not there", "lint")
def _(tree):
    tree.container()["volumeMounts"].append({"name": "nothing", "mountPath": "/nothing"})


# === network ===


@hole("no NetworkPolicy at all", "checkov lint")
def _(tree):
    tree.drop("NetworkPolicy")


@hole("no policy for one role", "lint")
def _(tree):
    tree.drop("NetworkPolicy", "images")


@hole("no policy for the models", "lint", XRAY)
def _(tree):
    tree.drop("NetworkPolicy", "allow-only-gateway")


@hole("the database open to everybody", "lint")
def _(tree):
    tree.spec("NetworkPolicy", "postgres")["ingress"] = [{}]


@hole("the database open to its whole namespace", "lint")
def _(tree):
    tree.spec("NetworkPolicy", "postgres")["ingress"] = [{"from": [{"podSelector": {}}]}]


@hole("a role open to everybody", "lint")
def _(tree):
    tree.spec("NetworkPolicy", "data")["ingress"] = [{}]


@hole("egress opened", "lint")
def _(tree):
    tree.spec("NetworkPolicy", "data")["egress"] = [{}]


@hole("an edge missing that the configuration uses", "lint")
def _(tree):
    tree.spec("NetworkPolicy", "data")["egress"] = []


@hole("Ingress without TLS", "lint")
def _(tree):
    del tree.spec("Ingress", "gateway")["tls"]


@hole("an inner Service on a node port", "lint")
def _(tree):
    tree.spec("Service", "postgres-service")["type"] = "NodePort"


@hole("Service selector typo", "lint")
def _(tree):
    tree.spec("Service", "data")["selector"]["app.kubernetes.io/name"] = "dta"


@hole("Service port-name typo", "lint")
def _(tree):
    tree.spec("Service", "data")["ports"][0]["targetPort"] = "htpp"


@hole("Ingress to a Service that is not there", "lint")
def _(tree):
    backend = tree.spec("Ingress", "gateway")["rules"][0]["http"]["paths"][0]["backend"]
    backend["service"]["name"] = "gatway"


@hole("URL of a Service that is not there", "lint")
def _(tree):
    tree.one("ConfigMap", "gateway-config")["data"]["MAINSTAY_GATEWAY_DATA_URL"] = "http://dta:8080"


# === disruption and scaling ===


@hole("no PodDisruptionBudget", "lint")
def _(tree):
    tree.drop("PodDisruptionBudget", "gateway-pdb")


@hole("PodDisruptionBudget that allows nothing", "lint")
def _(tree):
    tree.spec("PodDisruptionBudget", "gateway-pdb")["maxUnavailable"] = 0


@hole("PodDisruptionBudget with both fields", "lint")
def _(tree):
    tree.spec("PodDisruptionBudget", "gateway-pdb")["minAvailable"] = 1


@hole("HPA target typo", "lint")
def _(tree):
    tree.spec("HorizontalPodAutoscaler", "gateway-hpa")["scaleTargetRef"]["name"] = "gatewy"


@hole("HPA with min above max", "lint")
def _(tree):
    tree.spec("HorizontalPodAutoscaler", "gateway-hpa")["minReplicas"] = 9


@hole("replicas beside an HPA", "lint")
def _(tree):
    tree.spec("Deployment", "gateway")["replicas"] = 3


# with a limit alone the request is the limit: not wrong, but hardly meant
@hole("HPA without the request that it measures", "checkov")
def _(tree):
    del tree.container("gateway")["resources"]["requests"]["cpu"]


# === rights ===


@hole("wildcard ClusterRole", "checkov lint")
def _(tree):
    tree.one("ClusterRole", "image-portal-prometheus")["rules"].append(
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    )


@hole("Role that reads Secrets", "lint")
def _(tree):
    tree.one("ClusterRole", "image-portal-prometheus")["rules"].append(
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}
    )


@hole("default service account", "advice")
def _(tree):
    tree.pod()["serviceAccountName"] = "default"


@hole("service account that is not there", "lint")
def _(tree):
    tree.drop("ServiceAccount", "data")


# === form ===


@hole("unknown field", "schema")
def _(tree):
    tree.container()["readinesProbe"] = tree.container().pop("readinessProbe")


@hole("wrong type", "schema")
def _(tree):
    tree.container()["ports"][0]["containerPort"] = "8080"


@hole("required field missing", "schema")
def _(tree):
    del tree.spec("Deployment", "data")["selector"]


@hole("field of a newer version only", "schema")
def _(tree):
    tree.container()["lifecycle"]["stopSignal"] = "SIGTERM"


@hole("unknown apiVersion", "schema")
def _(tree):
    tree.one("HorizontalPodAutoscaler", "gateway-hpa")["apiVersion"] = "autoscaling/v2beta2"


@hole("selector and labels differ", "lint")
def _(tree):
    tree.spec("Deployment", "data")["template"]["metadata"]["labels"]["app.kubernetes.io/name"] = "other"


@hole("two containers with one name", "lint")
def _(tree):
    tree.pod()["containers"].append(copy.deepcopy(tree.container()))


@hole("bad name", "lint")
def _(tree):
    tree.one("ConfigMap", "portal-config")["metadata"]["name"] = "Portal_Config"


@hole("object twice", "lint")
def _(tree):
    tree.append(copy.deepcopy(tree.one("Service", "data")))


@hole("claim that is not there", "lint", BUDGET)
def _(tree):
    tree.drop("PersistentVolumeClaim", "postgres-pvc")


@hole("database without its headless Service", "lint", BUDGET)
def _(tree):
    tree.drop("Service", tree.spec("StatefulSet", "postgres")["serviceName"])


@hole("the LoadBalancer's selector names nobody", "lint", BUDGET)
def _(tree):
    tree.spec("Service", "gateway")["selector"]["app.kubernetes.io/name"] = "edge"


@hole("two replicas on one ReadWriteOnce volume", "lint", BUDGET)
def _(tree):
    tree.spec("StatefulSet", "postgres")["replicas"] = 2


# === running the table ===


class _Plain(yaml.CSafeDumper):
    """Without anchors, which would hide that two parts are the same object."""

    def ignore_aliases(self, data):
        return True


def _judge(name, objects):
    """What each checker says of objects: sets of (code, object, …)."""
    file = WORK / "mutations" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.dump_all(objects, Dumper=_Plain))
    said = json.loads(mainstay("lint", "--json", file, check=False).stdout)["findings"]
    lint = {(f["code"], f["object"], f["path"], f["severity"]) for f in said}
    return {
        "schema": {("schema", problem) for problem in schemas.check_objects(objects)},
        "checkov": {(check, resource) for check, resource, _ in hardening.findings(file)[0]},
        "lint": {finding for finding in lint if finding[3] != "advice"},
        # a piece of advice stops nobody
        "advice": {finding for finding in lint if finding[3] == "advice"},
    }


_CLEAN = {}


def _small(objects):
    """A copy without the text of dashboards, which is most of a tree and where no hole is made."""
    objects = copy.deepcopy(objects)
    for item in objects:
        if item["kind"] == "ConfigMap":
            data = item.get("data") or {}
            data.update({name: "{}" for name in data if name.endswith(".json")})
    return objects


def run(number, projects):
    """Makes one hole: (problems, a line that says who caught it)."""
    mutation = TABLE[number]
    project = next(p for p in projects if p.name == mutation.project)
    good = _small(project.objects)
    if project.name not in _CLEAN:
        _CLEAN[project.name] = _judge(f"{project.name}-{os.getpid()}", good)
    tree = Tree(copy.deepcopy(good))
    mutation.change(tree)
    if list(tree) == good:
        return [f"{mutation.name}: the hole changes nothing"], ""
    after = _judge(f"{number:02}", list(tree))
    caught = {who: found - _CLEAN[project.name][who] for who, found in after.items()}
    codes = {who: " ".join(sorted({finding[0] for finding in found})) for who, found in caught.items()}
    said = " ".join(filter(None, [codes["schema"], codes["checkov"], codes["lint"]]))
    line = f"{mutation.name:<44} {said or (codes['advice'] and codes['advice'] + ' (advice)') or 'NOBODY'}"
    if mutation.by == NOBODY:
        found = [who for who in ["schema", "checkov", "lint", "advice"] if caught[who]]
        return [f"{mutation.name}: is now caught by {who}; say so in the table" for who in found], line
    return [f"{mutation.name}: not caught by {who}" for who in mutation.by.split() if not caught[who]], line
