//! The mutation table: each hole made into the good sample is found by the check that is there for it.

use crate::{GOOD, codes, run};
use std::collections::BTreeSet;

enum Hole {
    /// A text of the sample and what it becomes; the first place only.
    Change(&'static str, &'static str),
    /// The same, in every place.
    Everywhere(&'static str, &'static str),
    /// The same in a namespace whose LimitRange gives no defaults.
    Unlimited(&'static str, &'static str),
    /// Further documents.
    Add(&'static str),
}
use Hole::{Add, Change, Everywhere, Unlimited};

fn holed(hole: &Hole) -> String {
    match hole {
        Change(from, to) => {
            assert!(GOOD.contains(from), "the sample has no {from}");
            GOOD.replacen(from, to, 1)
        }
        Everywhere(from, to) => {
            assert!(GOOD.contains(from), "the sample has no {from}");
            GOOD.replace(from, to)
        }
        Unlimited(from, to) => {
            assert!(GOOD.contains(from), "the sample has no {from}");
            GOOD.replacen(from, to, 1).replacen("type: Container", "type: Pod", 1)
        }
        Add(text) => format!("{GOOD}---\n{text}\n"),
    }
}

const AUTH_PDB: &str = "apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: auth, namespace: shop}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: auth}}
---
";

const HOLES: &[(&str, Hole)] = &[
    // KUBERNETES.md 3.1, in its order
    ("ML622", Change("            readOnlyRootFilesystem: true\n", "")),
    ("ML602", Change("        runAsNonRoot: true\n", "")),
    ("ML602", Change("        seccompProfile: {type: RuntimeDefault}\n", "")),
    ("ML623", Everywhere("automountServiceAccountToken: false", "automountServiceAccountToken: true")),
    ("ML602", Change("            capabilities: {drop: [ALL]}\n", "")),
    ("ML503", Unlimited("limits: {cpu: 500m, memory: 256Mi}", "limits: {cpu: 500m}")),
    ("ML421", Change("          readinessProbe: {httpGet: {path: /readyz, port: metrics}}\n", "")),
    (
        "ML626",
        Change("envFrom: [{configMapRef: {name: gateway-config}}]", "envFrom: [{secretRef: {name: gateway-secret}}]"),
    ),
    ("ML621", Change("runAsUser: 65532", "runAsUser: 1000")),
    ("ML301", Everywhere("kind: NetworkPolicy", "kind: NetworkPolicyX")),
    ("ML901", Change("verbs: [get]", "verbs: [\"*\"]")),
    ("ML403", Change(AUTH_PDB, "")),
    ("ML603", Change("    pod-security.kubernetes.io/enforce: restricted\n", "")),
    ("ML701", Change("  tls: [{hosts: [shop.example.com], secretName: shop-tls}]\n", "")),
    ("ML113", Change("  selector: {app: gateway}", "  selector: {app: gatway}")),
    ("ML111", Change("kind: Deployment, name: gateway}", "kind: Deployment, name: gatway}")),
    (
        "ML212",
        Change(
            "readinessProbe: {httpGet: {path: /readyz, port: metrics}}",
            "readinessProbe: {httpGet: {path: /readyz, port: metric}}",
        ),
    ),
    ("ML134", Change("emptyDir: {sizeLimit: 64Mi}", "hostPath: {path: /}")),
    ("ML411", Change("minReplicas: 2", "minReplicas: 9")),
    ("ML401", Change("  maxUnavailable: 1\n", "  maxUnavailable: 1\n  minAvailable: 1\n")),
    (
        "ML201",
        Change(
            "  selector: {matchLabels: {app: gateway}}\n  template",
            "  selector: {matchLabels: {app: other}}\n  template",
        ),
    ),
    ("ML501", Change("requests: {cpu: 100m, memory: 128Mi}", "requests: {cpu: 100m, memory: 512Mi}")),
    (
        "ML811",
        Change(
            "      containers:\n        - name: auth\n",
            "      containers:\n        - name: auth\n          image: x:1\n        - name: auth\n",
        ),
    ),
    (
        "ML801",
        Change(
            "metadata: {name: auth, namespace: shop}\nspec:\n  selector: {app: auth}",
            "metadata: {name: Auth_1, namespace: shop}\nspec:\n  selector: {app: auth}",
        ),
    ),
    // documents
    ("ML001", Add("just a text")),
    ("ML001", Add("apiVersion: v1\nmetadata: {name: x}")),
    (
        "ML002",
        Change(
            "metadata: {name: own, namespace: shop}",
            "metadata: {name: own, namespace: shop, annotations: {mainstay.dev/lint-ignore: ML101}}",
        ),
    ),
    (
        "ML003",
        Change(
            "metadata: {name: own, namespace: shop}",
            "metadata: {name: own, namespace: shop, annotations: {mainstay.dev/lint-ignore: \"ML000: x\"}}",
        ),
    ),
    ("ML004", Add("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: gateway, namespace: shop}")),
    ("ML005", Change("apiVersion: policy/v1", "apiVersion: policy/v1beta1")),
    ("ML005", Change("apiVersion: autoscaling/v2", "apiVersion: autoscaling/v2beta2")),
    ("ML006", Change("kind: StatefulSet", "kind: StatefulSets")),
    ("ML006", Change("apiVersion: apps/v1", "apiVersion: v1")),
    ("ML007", Change("value: /run/secrets/shop}", "value: 1}")),
    ("ML007", Change("LOG_LEVEL: info", "LOG_LEVEL: true")),
    ("ML007", Change("  replicas: 2", "  replicas: \"2\"")),
    ("ML008", Change("metadata: {name: own, namespace: shop}", "metadata: {name: own, namespace: shp}")),
    // references
    ("ML101", Change("configMapRef: {name: gateway-config}", "configMapRef: {name: x}")),
    ("ML102", Change("secretName: gateway-secret", "secretName: x")),
    ("ML103", Change("items: [{key: DATABASE_URL", "items: [{key: DATABASE_URI")),
    (
        "ML103",
        Change("value: /run/secrets/shop}", "valueFrom: {configMapKeyRef: {name: gateway-config, key: NOTHING}}}"),
    ),
    ("ML104", Change("claimName: backup", "claimName: x")),
    ("ML105", Change("      serviceAccountName: gateway", "      serviceAccountName: x")),
    ("ML105", Change("kind: ServiceAccount, name: workers", "kind: ServiceAccount, name: x")),
    (
        "ML106",
        Change(
            "      serviceAccountName: gateway",
            "      imagePullSecrets: [{name: x}]\n      serviceAccountName: gateway",
        ),
    ),
    ("ML107", Change("kind: Role, name: read-config", "kind: Role, name: x")),
    (
        "ML108",
        Change("      serviceAccountName: gateway", "      priorityClassName: x\n      serviceAccountName: gateway"),
    ),
    (
        "ML112",
        Change(
            "  maxUnavailable: 1\n  selector: {matchLabels: {app: gateway}}",
            "  maxUnavailable: 1\n  selector: {matchLabels: {app: x}}",
        ),
    ),
    ("ML114", Change("service: {name: gateway, port", "service: {name: x, port")),
    ("ML115", Change("port: {name: http}}}}", "port: {number: 8080}}}}")),
    (
        "ML114",
        Add(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: shop}\nspec: {rules: [{backendRefs: [{name: x, port: 80}]}]}",
        ),
    ),
    (
        "ML115",
        Add(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: shop}\nspec: {rules: [{backendRefs: [{name: gateway, port: 81}]}]}",
        ),
    ),
    ("ML116", Change("serviceName: postgres-headless", "serviceName: x")),
    (
        "ML117",
        Change(
            "podSelector: {matchLabels: {app: auth}}\n  policyTypes",
            "podSelector: {matchLabels: {app: x}}\n  policyTypes",
        ),
    ),
    (
        "ML118",
        Change(
            "spec:\n  selector: {matchLabels: {app: gateway}}\n  endpoints",
            "spec:\n  selector: {matchLabels: {app: x}}\n  endpoints",
        ),
    ),
    ("ML119", Change("endpoints: [{port: http}]", "endpoints: [{port: metrics}]")),
    (
        "ML118",
        Add(
            "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: r, namespace: shop}\nspec: {selector: {matchLabels: {app: x}}}",
        ),
    ),
    (
        "ML119",
        Add(
            "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: r, namespace: shop}\nspec: {selector: {matchLabels: {app: auth}}, podMetricsEndpoints: [{port: metrics}]}",
        ),
    ),
    ("ML121", Change("  secretName: shop-tls\n", "  secretName: other\n")),
    (
        "ML122",
        Change(
            "metadata: {name: shop, namespace: shop}\nspec:\n  ingressClassName",
            "metadata: {name: shop, namespace: shop, annotations: {cert-manager.io/issuer: own}}\nspec:\n  ingressClassName",
        ),
    ),
    (
        "ML122",
        Add(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: two, namespace: shop}\nspec: {secretName: shop-tls, issuerRef: {name: own}}",
        ),
    ),
    ("ML123", Change("issuerRef: {kind: Issuer, name: own}", "issuerRef: {kind: Issuer, name: x}")),
    ("ML124", Change("dnsNames: [shop.example.com]", "dnsNames: [www.example.com]")),
    (
        "ML131",
        Add(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], csi: {driver: x}}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c, namespace: shop}\nspec: {volumeName: v, accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}",
        ),
    ),
    (
        "ML131",
        Add(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], csi: {driver: x}}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c, namespace: shop}\nspec: {volumeName: v, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}",
        ),
    ),
    (
        "ML132",
        Change("spec:\n  accessModes: [ReadWriteOnce]\n", "spec:\n  volumeName: x\n  accessModes: [ReadWriteOnce]\n"),
    ),
    (
        "ML133",
        Add(
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: x\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c, namespace: shop}\nspec: {storageClassName: slow, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}",
        ),
    ),
    (
        "ML135",
        Add(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /data}}",
        ),
    ),
    ("ML136", Change("emptyDir: {sizeLimit: 64Mi}", "persistentVolumeClaim: {claimName: backup}")),
    // selectors and ports
    (
        "ML202",
        Change(
            "  selector: {matchLabels: {app: gateway}}\n  template",
            "  selector: {matchLabels: {app: gateway, version: v1}}\n  template",
        ),
    ),
    ("ML203", Everywhere("app: auth}", "app: gateway}")),
    ("ML204", Change("labels: {app: auth}", "labels: {app: gateway}")),
    ("ML205", Change("  selector: {matchLabels: {app: gateway}}\n  template", "  template")),
    ("ML211", Change("targetPort: http, nodePort", "targetPort: web, nodePort")),
    ("ML211", Change("targetPort: 8080", "targetPort: 9999")),
    ("ML213", Change("{name: metrics, containerPort: 8890}", "{name: metrics, containerPort: 8080}")),
    ("ML213", Change("{name: metrics, containerPort: 8890}", "{name: http, containerPort: 8890}")),
    ("ML214", Everywhere("metrics", "metrics-for-prometheus")),
    ("ML215", Change("containerPort: 8080", "containerPort: 80")),
    ("ML216", Change("nodePort: 30080", "nodePort: 8080")),
    (
        "ML217",
        Change(
            "  selector: {app: auth}\n  ports: [{port: 80, targetPort: 8080}]",
            "  type: NodePort\n  selector: {app: auth}\n  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]",
        ),
    ),
    (
        "ML218",
        Change(
            "ports: [{port: 80, targetPort: 8080}]",
            "ports: [{port: 80, targetPort: 8080}, {port: 81, targetPort: 8080}]",
        ),
    ),
    // network
    (
        "ML302",
        Change(
            "metadata: {name: default-deny, namespace: shop}\nspec:\n  podSelector: {}",
            "metadata: {name: default-deny, namespace: shop}\nspec:\n  podSelector: {matchLabels: {app: gateway}}",
        ),
    ),
    (
        "ML303",
        Change(
            "  ingress:\n    - from:\n        - podSelector:\n            matchExpressions: [{key: app, operator: In, values: [gateway, db-init, backup]}]\n      ports",
            "  ingress:\n    - ports",
        ),
    ),
    (
        "ML303",
        Change(
            "        - podSelector:\n            matchExpressions: [{key: app, operator: In, values: [gateway, db-init, backup]}]\n      ports",
            "        - podSelector: {}\n      ports",
        ),
    ),
    ("ML307", Change("      ports: [{port: 8080, endPort: 8081}]", "    - {}")),
    (
        "ML304",
        Change(
            "  egress:\n    - to: [{podSelector: {matchLabels: {app: postgres}}}]\n      ports: [{port: 5432}]\n",
            "  egress:\n    - {}\n",
        ),
    ),
    (
        "ML306",
        Change(
            "    - to: [{podSelector: {matchLabels: {app: auth}}}]",
            "    - to: [{podSelector: {matchLabels: {app: authn}}}, {podSelector: {matchLabels: {app: auth}}}]",
        ),
    ),
    ("ML311", Change("    - to: [{podSelector: {matchLabels: {app: auth}}}]\n      ports: [{port: http}]\n", "")),
    (
        "ML311",
        Change(
            "    - to: [{podSelector: {matchLabels: {app: auth}}}]\n      ports: [{port: http}]\n",
            "    - to: [{podSelector: {matchLabels: {app: auth}}}]\n      ports: [{port: 80}]\n",
        ),
    ),
    ("ML311", Change("ports: [{port: 5432}]", "ports: [{port: 5433}]")),
    ("ML312", Change("ports: [{port: 8080, endPort: 8081}]", "ports: [{port: 8081, endPort: 8082}]")),
    ("ML312", Change("values: [gateway, db-init, backup]}]\n      ports", "values: [gateway, db-init]}]\n      ports")),
    ("ML312", Change("values: [gateway, db-init, backup]}]\n      ports", "values: [gateway, backup]}]\n      ports")),
    ("ML313", Change("{protocol: UDP, port: 53}", "{protocol: UDP, port: 54}")),
    ("ML314", Change("http://auth:80", "http://auth:8080")),
    ("ML315", Change("http://auth:80", "http://outh:80")),
    ("ML314", Change("DB_PORT: \"5432\"", "DB_PORT: \"5433\"")),
    // availability
    ("ML402", Change("minAvailable: 1", "minAvailable: 2")),
    ("ML402", Change("minAvailable: 1", "minAvailable: 60%")),
    ("ML402", Change("  maxUnavailable: 1\n", "  maxUnavailable: 0\n")),
    (
        "ML404",
        Add(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: two, namespace: shop}\nspec: {maxUnavailable: 1, selector: {matchLabels: {app: auth}}}",
        ),
    ),
    ("ML412", Change("minReplicas: 2", "minReplicas: 0")),
    ("ML413", Change("spec:\n  minReadySeconds: 5", "spec:\n  replicas: 2\n  minReadySeconds: 5")),
    ("ML414", Change("  maxReplicas: 4", "  maxReplicas: 4\n  targetCPUUtilizationPercentage: 60")),
    ("ML414", Change("apiVersion: autoscaling/v2", "apiVersion: autoscaling/v1")),
    (
        "ML415",
        Change(
            "requests: {cpu: 100m, memory: 128Mi}\n            limits: {cpu: 500m, memory: 256Mi}",
            "requests: {memory: 128Mi}\n            limits: {memory: 256Mi}",
        ),
    ),
    ("ML416", Change("kind: Deployment, name: gateway}", "kind: StatefulSet, name: postgres}")),
    (
        "ML417",
        Add(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: two, namespace: shop}\nspec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: gateway}}",
        ),
    ),
    ("ML422", Change("          livenessProbe: {httpGet: {path: /livez, port: metrics}}\n", "")),
    ("ML423", Change("/livez", "/readyz")),
    (
        "ML424",
        Change(
            "livenessProbe: {httpGet: {path: /livez, port: metrics}}",
            "livenessProbe: {exec: {command: [/bin/sh, -c, \"true\"]}}",
        ),
    ),
    (
        "ML425",
        Change(
            "livenessProbe: {httpGet: {path: /auth-live, port: http}",
            "livenessProbe: {initialDelaySeconds: 30, httpGet: {path: /auth-live, port: http}",
        ),
    ),
    (
        "ML426",
        Change(
            "livenessProbe: {httpGet: {path: /auth-live, port: http}",
            "livenessProbe: {periodSeconds: 1, httpGet: {path: /auth-live, port: http}",
        ),
    ),
    ("ML431", Change("emptyDir: {sizeLimit: 64Mi}", "persistentVolumeClaim: {claimName: backup}")),
    ("ML432", Change("image: ghcr.io/example/auth:1.2.3", "image: registry.example.com:5000/mysql:8.4")),
    (
        "ML433",
        Change(
            "strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}",
            "strategy: {type: Recreate}",
        ),
    ),
    ("ML434", Change("          lifecycle: {preStop: {sleep: {seconds: 5}}}\n", "")),
    ("ML435", Change("sleep: {seconds: 5}", "sleep: {seconds: 50}")),
    ("ML436", Change("  replicas: 2", "  replicas: 1")),
    ("ML437", Change("      affinity:\n        podAntiAffinity", "      affinity:\n        podAffinity")),
    ("ML438", Change("progressDeadlineSeconds: 300", "progressDeadlineSeconds: 5")),
    ("ML439", Change("maxSurge: 1", "maxSurge: 0")),
    // resources and quota
    (
        "ML502",
        Unlimited(
            "requests: {cpu: 250m, memory: 512Mi}, limits: {cpu: \"1\", memory: 512Mi}",
            "limits: {memory: 512Mi}",
        ),
    ),
    ("ML504", Change("requests: {cpu: 250m", "requests: {cpu: lots")),
    ("ML504", Change("memory: 256Mi", "memory: 256MB")),
    ("ML505", Change("limits: {cpu: \"1\"", "limits: {cpu: \"3\"")),
    ("ML505", Change("requests: {cpu: 50m", "requests: {cpu: 5m")),
    ("ML505", Change("resources: {requests: {storage: 10Gi}}", "resources: {requests: {storage: 25Gi}}")),
    ("ML506", Unlimited("limits: {cpu: 500m, memory: 256Mi}", "limits: {memory: 256Mi}")),
    ("ML507", Change("emptyDir: {sizeLimit: 64Mi}", "emptyDir: {}")),
    ("ML508", Change("min: {cpu: 10m, memory: 16Mi}", "min: {cpu: \"3\", memory: 16Mi}")),
    ("ML511", Change("maxReplicas: 4", "maxReplicas: 40")),
    ("ML511", Change("requests.cpu: \"2\"", "requests.cpu: 850m")),
    ("ML511", Change("pods: \"12\"", "pods: \"8\"")),
    ("ML511", Change("requests.storage: 30Gi", "requests.storage: 15Gi")),
    ("ML511", Change("persistentvolumeclaims: \"3\"", "persistentvolumeclaims: \"1\"")),
    ("ML511", Change("services.nodeports: \"1\"", "services.nodeports: \"0\"")),
    ("ML511", Change("  type: NodePort", "  type: LoadBalancer")),
    ("ML512", Unlimited("limits: {cpu: 500m, memory: 256Mi}", "limits: {memory: 256Mi}")),
    // pod security
    (
        "ML601",
        Change("      serviceAccountName: gateway", "      hostNetwork: true\n      serviceAccountName: gateway"),
    ),
    ("ML601", Change("readOnlyRootFilesystem: true\n", "readOnlyRootFilesystem: true\n            privileged: true\n")),
    ("ML601", Change("capabilities: {drop: [ALL]}", "capabilities: {drop: [ALL], add: [SYS_ADMIN]}")),
    ("ML602", Change("capabilities: {drop: [ALL]}", "capabilities: {drop: [ALL], add: [CHOWN]}")),
    ("ML601", Change("{name: http, containerPort: 8080}", "{name: http, containerPort: 8080, hostPort: 8080}")),
    ("ML601", Change("seccompProfile: {type: RuntimeDefault}", "seccompProfile: {type: Unconfined}")),
    ("ML601", Change("runAsUser: 65532", "sysctls: [{name: kernel.msgmax, value: \"1\"}]")),
    ("ML601", Change("runAsUser: 65532", "seLinuxOptions: {type: spc_t}")),
    ("ML601", Change("runAsUser: 65532", "appArmorProfile: {type: Unconfined}")),
    ("ML601", Change("runAsUser: 65532", "windowsOptions: {hostProcess: true}")),
    ("ML601", Change("allowPrivilegeEscalation: false", "procMount: Unmasked")),
    ("ML601", Change("path: /readyz, port", "host: example.com, path: /readyz, port")),
    ("ML602", Change("runAsUser: 65532", "runAsUser: 0")),
    ("ML602", Change("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")),
    ("ML602", Change("emptyDir: {sizeLimit: 64Mi}", "nfs: {server: a, path: /}")),
    (
        "ML602",
        Change(
            "      containers:\n        - name: auth\n",
            "      initContainers: [{name: init, image: \"a:1\"}]\n      containers:\n        - name: auth\n",
        ),
    ),
    (
        "ML602",
        Change(
            "      containers:\n        - name: auth\n",
            "      ephemeralContainers: [{name: debug, image: \"a:1\"}]\n      containers:\n        - name: auth\n",
        ),
    ),
    ("ML604", Change("enforce: restricted", "enforce: strict")),
    ("ML605", Change("    pod-security.kubernetes.io/enforce-version: v1.34\n", "")),
    ("ML624", Change("      serviceAccountName: gateway\n", "")),
    ("ML625", Change("      enableServiceLinks: false\n", "")),
    ("ML631", Change("LOG_LEVEL: info", "ADMIN_PASSWORD: hunter22")),
    ("ML631", Change("LOG_LEVEL: info", "DATABASE_URL: postgres://owner:hunter22@postgres-service/shop")),
    ("ML631", Change("{name: SECRETS_DIR, value: /run/secrets/shop}", "{name: API_TOKEN, value: abcdef}")),
    ("ML631", Change("postgres://owner@", "postgres://owner:hunter22@")),
    (
        "ML632",
        Add("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData: {password: hunter22}"),
    ),
    (
        "ML633",
        Add("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\ndata: {password: \"hunter 22!\"}"),
    ),
    (
        "ML634",
        Add(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\ntype: kubernetes.io/tls\ndata: {tls.crt: YQ==}",
        ),
    ),
    // images
    (
        "ML651",
        Change("auth:1.2.3@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "auth:latest"),
    ),
    ("ML651", Change("auth:1.2.3@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "auth")),
    (
        "ML652",
        Change("auth:1.2.3@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "auth:1.2.3"),
    ),
    ("ML653", Change("imagePullPolicy: IfNotPresent", "imagePullPolicy: Always")),
    ("ML654", Change("image: ghcr.io/example/auth:1.2.3", "image: ghcr.io/Example/auth:1.2.3")),
    // exposure
    ("ML702", Change("    - host: shop.example.com\n      http:", "    - http:")),
    (
        "ML703",
        Change(
            "metadata: {name: shop, namespace: shop}\nspec:\n  ingressClassName",
            "metadata: {name: shop, namespace: shop, annotations: {nginx.ingress.kubernetes.io/server-snippet: x}}\nspec:\n  ingressClassName",
        ),
    ),
    (
        "ML704",
        Change(
            "metadata: {name: shop, namespace: shop}\nspec:\n  ingressClassName",
            "metadata: {name: shop, namespace: shop, annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}}\nspec:\n  ingressClassName",
        ),
    ),
    ("ML705", Change("  selector: {app: auth}\n", "  type: NodePort\n  selector: {app: auth}\n")),
    ("ML706", Change("  type: NodePort", "  type: LoadBalancer")),
    ("ML707", Change("host: shop.example.com", "host: \"*.example.com\"")),
    (
        "ML708",
        Change(
            "metadata: {name: postgres-service, namespace: shop}\nspec:",
            "metadata: {name: postgres-service, namespace: shop}\nspec:\n  type: NodePort",
        ),
    ),
    (
        "ML708",
        Change(
            "service: {name: gateway, port: {name: http}}",
            "service: {name: postgres-service, port: {name: postgres}}",
        ),
    ),
    ("ML709", Change("    - host: shop.example.com", "    - host: www.example.com")),
    (
        "ML710",
        Change(
            "metadata: {name: shop, namespace: shop}\nspec:\n  ingressClassName",
            "metadata: {name: shop, namespace: shop, annotations: {kubernetes.io/ingress.class: nginx}}\nspec:\n  ingressClassName",
        ),
    ),
    (
        "ML711",
        Add(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: two, namespace: shop}\nspec: {ingressClassName: traefik, tls: [{hosts: [shop.example.com]}], rules: [{host: shop.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: auth, port: {number: 80}}}}]}}]}",
        ),
    ),
    // names and contents
    ("ML802", Change("labels: {app: gateway, version: v1}", "labels: {app: gateway, version: \"v 1\"}")),
    (
        "ML803",
        Change(
            "metadata: {name: own, namespace: shop}",
            "metadata: {name: own, namespace: shop, annotations: {\"a b\": x}}",
        ),
    ),
    (
        "ML804",
        Change(
            "kind: CronJob\nmetadata: {name: backup",
            "kind: CronJob\nmetadata: {name: backup-of-everything-that-there-is-and-of-the-whole-rest-too",
        ),
    ),
    (
        "ML812",
        Change(
            "- {name: SECRETS_DIR, value: /run/secrets/shop}",
            "- {name: SECRETS_DIR, value: /run/secrets/shop}\n            - {name: SECRETS_DIR, value: /x}",
        ),
    ),
    (
        "ML813",
        Change(
            "- {name: tmp, emptyDir: {sizeLimit: 64Mi}}",
            "- {name: tmp, emptyDir: {sizeLimit: 64Mi}}\n        - {name: tmp, emptyDir: {sizeLimit: 64Mi}}",
        ),
    ),
    ("ML814", Change("{name: tmp, mountPath: /tmp}", "{name: temp, mountPath: /tmp}")),
    ("ML815", Change("            - {name: tmp, mountPath: /tmp}\n", "")),
    ("ML816", Change("{name: tmp, mountPath: /tmp}", "{name: tmp, mountPath: /run/secrets/shop/}")),
    ("ML818", Change("kind: ConfigMap\n", "kind: ConfigMap\nimmutable: true\n")),
    ("ML821", Change("  ttlSecondsAfterFinished: 3600\n", "")),
    ("ML822", Change("  backoffLimit: 6\n", "")),
    ("ML823", Change("      restartPolicy: Never\n", "")),
    ("ML824", Change("0 3 * * *", "0 25 * * *")),
    ("ML825", Change("  concurrencyPolicy: Forbid\n", "")),
    // rights
    ("ML902", Change("resources: [configmaps]\n    verbs: [get]", "resources: [secrets]\n    verbs: [get, list]")),
    ("ML903", Change("verbs: [get]", "verbs: [escalate]")),
    ("ML904", Change("resources: [configmaps]\n    verbs: [get]", "resources: [pods/exec]\n    verbs: [create]")),
    ("ML905", Change("kind: Role, name: read-config", "kind: ClusterRole, name: cluster-admin")),
    ("ML906", Change("kind: ServiceAccount, name: workers", "kind: ServiceAccount, name: default")),
    (
        "ML907",
        Change("{kind: ServiceAccount, name: workers, namespace: shop}", "{kind: Group, name: system:authenticated}"),
    ),
    ("ML908", Change("kind: Role, name: read-config", "kind: Roll, name: read-config")),
];

#[test]
fn every_hole_is_found_by_its_check() {
    let mut missed = Vec::new();
    for (number, (code, hole)) in HOLES.iter().enumerate() {
        let report = run(&holed(hole));
        if !codes(&report).contains(code) {
            missed.push(format!("{number} {code} not among {:?}", codes(&report)));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn broken_policies_are_found() {
    for rule in [
        "{from: [{}]}",
        "{from: [{ipBlock: {cidr: 10.0.0.0}}]}",
        "{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}",
        "{ports: [{port: http, endPort: 9}]}",
        "{ports: [{port: 10, endPort: 9}]}",
    ] {
        let text = format!(
            "{GOOD}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: x, namespace: shop}}\nspec: {{podSelector: {{}}, ingress: [{rule}]}}\n"
        );
        assert!(codes(&run(&text)).contains(&"ML305"), "{rule}");
    }
}

#[test]
fn objects_of_more_than_a_mebibyte_are_found() {
    let text = format!(
        "{GOOD}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: shop}}\ndata: {{a: {}}}\n",
        "a".repeat(1 << 20)
    );
    assert!(codes(&run(&text)).contains(&"ML817"));
}

#[test]
fn every_check_has_a_hole() {
    let elsewhere = ["ML305", "ML817"];
    let tested: BTreeSet<&str> = HOLES.iter().map(|(code, _)| *code).chain(elsewhere).collect();
    let all: BTreeSet<&str> =
        mainstay_lint::CHECKS.iter().flat_map(|theme| theme.checks).map(|check| check.code).collect();
    assert_eq!(all.difference(&tested).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(tested.difference(&all).collect::<Vec<_>>(), Vec::<&&str>::new());
}
