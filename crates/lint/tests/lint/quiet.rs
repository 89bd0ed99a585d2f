//! Files of people who know what they do: no error and no warning.

use crate::run;
use mainstay_lint::Severity;

const HEAD: &str = "apiVersion: v1
kind: Namespace
metadata: {name: web, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: web}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
";

const HARD: &str = "securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
          resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 32Mi}}";

fn pod(more_of_pod: &str, more_of_container: &str) -> String {
    format!(
        "{HEAD}apiVersion: apps/v1
kind: Deployment
metadata: {{name: a, namespace: web}}
spec:
  selector: {{matchLabels: {{app: a}}}}
  template:
    metadata: {{labels: {{app: a}}}}
    spec:
      automountServiceAccountToken: false
{more_of_pod}
      containers:
        - name: a
          image: example.com/a:1
          {HARD}
{more_of_container}
"
    )
}

fn is_quiet(text: &str) {
    let report = run(text);
    let loud: Vec<_> = report.findings.iter().filter(|finding| finding.severity > Severity::Advice).collect();
    assert!(loud.is_empty(), "{}", report.text(false));
}

#[test]
fn optional_references_may_be_absent() {
    is_quiet(&pod(
        "      volumes: [{name: v, configMap: {name: x, optional: true}}, {name: w, projected: {sources: [{secret: {name: why, optional: true}}]}}]",
        "          envFrom: [{secretRef: {name: z, optional: true}}]
          env: [{name: A, valueFrom: {configMapKeyRef: {name: z, key: k, optional: true}}}]",
    ));
}

#[test]
fn sidecars_and_projected_tokens_are_fine() {
    is_quiet(&(pod(
        &format!(
            "      initContainers:
        - name: side
          image: example.com/side:1
          restartPolicy: Always
          ports: [{{name: side, containerPort: 9000}}]
          readinessProbe: {{httpGet: {{path: /, port: side}}}}
          {HARD}
      volumes: [{{name: t, projected: {{sources: [{{serviceAccountToken: {{path: token, audience: x}}}}, {{configMap: {{name: kube-root-ca.crt}}}}]}}}}]"
        ),
        "          volumeMounts: [{name: t, mountPath: /var/run/t}]",
    ) + "---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: web}
spec: {selector: {app: a}, ports: [{port: 9000, targetPort: side}]}
"));
}

#[test]
fn headless_services_and_services_without_selector_are_fine() {
    is_quiet(&(pod("", "          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {tcpSocket: {port: http}}
          env: [{name: PEER, value: \"http://a.web.svc.cluster.local:8080\"}, {name: OTHER, value: \"https://www.example.com\"}]") + "---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: web}
spec: {clusterIP: None, selector: {app: a}, ports: [{name: http, port: 8080, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: web}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: Service
metadata: {name: manual, namespace: web}
spec: {ports: [{port: 5432}]}
"));
}

#[test]
fn a_log_collector_in_a_privileged_namespace_is_fine() {
    is_quiet(
        "apiVersion: v1
kind: Namespace
metadata: {name: logging, labels: {pod-security.kubernetes.io/enforce: privileged}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: collector, namespace: logging}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: collector}
rules: [{apiGroups: [\"\"], resources: [pods, namespaces], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: collector}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: collector}
subjects: [{kind: ServiceAccount, name: collector, namespace: logging}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: logging}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: collector, namespace: logging}
data: {fluent-bit.conf: \"[INPUT]\\n    Name tail\\n    Path /var/log/containers/*.log\\n\"}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: collector, namespace: logging}
spec:
  selector: {matchLabels: {app: collector}}
  template:
    metadata: {labels: {app: collector}}
    spec:
      serviceAccountName: collector
      tolerations: [{operator: Exists}]
      containers:
        - name: collector
          image: fluent/fluent-bit:3.2.2
          resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 64Mi}}
          volumeMounts: [{name: logs, mountPath: /var/log, readOnly: true}, {name: config, mountPath: /fluent-bit/etc}]
      volumes: [{name: logs, hostPath: {path: /var/log}}, {name: config, configMap: {name: collector}}]
",
    );
}

#[test]
fn a_single_file_is_judged_as_a_part() {
    let report = run("apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      serviceAccountName: a
      containers: [{name: a, image: \"a:1\", envFrom: [{configMapRef: {name: a}}]}]
");
    assert_eq!(report.count(Severity::Error), 0, "{}", report.text(false));
    assert!(report.findings.iter().any(|f| f.code == "ML101" && f.message.contains("not among the given files")));
}

#[test]
fn operators_and_custom_kinds_are_left_alone() {
    is_quiet(&format!("{HEAD}apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: db, namespace: web}}
spec: {{instances: 2}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: db, namespace: web}}
spec: {{podSelector: {{matchLabels: {{cnpg.io/cluster: db}}}}, policyTypes: [Ingress], ingress: [{{from: [{{podSelector: {{matchLabels: {{app: a}}}}}}]}}]}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {{name: k, namespace: web}}
spec: {{template: {{spec: {{containers: [{{image: a}}]}}}}}}
---
{}", pod("      volumes: [{name: s, secret: {secretName: db-app}}]", "          volumeMounts: [{name: s, mountPath: /s}]").strip_prefix(HEAD).unwrap()));
}
