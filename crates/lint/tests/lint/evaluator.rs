//! The NetworkPolicy evaluator: one client that is told to call one server in another namespace, under many policies.

use crate::{codes, run};

/// Codes of forbidden calls under the given policies (namespace and spec each).
fn judged(policies: &[(&str, &str)]) -> Vec<&'static str> {
    let mut text = String::from(
        "apiVersion: v1
kind: Namespace
metadata: {name: one, labels: {team: a}}
---
apiVersion: v1
kind: Namespace
metadata: {name: two, labels: {team: b}}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: two}
spec: {selector: {app: server}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: two, labels: {app: server, tier: x}}
spec: {containers: [{name: server, image: \"a:1\", ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: one, labels: {app: client}}
spec: {containers: [{name: client, image: \"a:1\", env: [{name: UPSTREAM, value: \"http://server.two.svc/x\"}]}]}
",
    );
    for (number, (namespace, spec)) in policies.iter().enumerate() {
        text.push_str(&format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{number}, namespace: {namespace}}}\nspec: {spec}\n"
        ));
    }
    codes(&run(&text)).into_iter().filter(|code| matches!(*code, "ML311" | "ML312" | "ML313" | "ML314")).collect()
}

#[test]
fn the_server_lets_in_whom_its_policies_name() {
    let open: &[&str] = &[
        "{podSelector: {matchLabels: {app: other}}, policyTypes: [Ingress]}",
        "{podSelector: {}, policyTypes: [Egress]}",
        "{podSelector: {}, ingress: [{}]}",
        "{podSelector: {}, ingress: [{ports: [{port: 8080}]}]}",
        "{podSelector: {}, ingress: [{ports: [{port: http}]}]}",
        "{podSelector: {}, ingress: [{ports: [{port: 8000, endPort: 8100}]}]}",
        "{podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]}",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}}]}]}",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: one}}, podSelector: {matchLabels: {app: client}}}]}]}",
        "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}, {from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [b]}]}}]}]}",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}",
    ];
    for spec in open {
        assert_eq!(judged(&[("two", spec)]), Vec::<&str>::new(), "{spec}");
    }
    let shut: &[&str] = &[
        "{podSelector: {}}",
        "{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}, policyTypes: [Ingress]}",
        "{podSelector: {}, policyTypes: [Ingress, Egress], egress: [{}]}",
        "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}",
        "{podSelector: {}, ingress: [{ports: [{port: web}]}]}",
        "{podSelector: {}, ingress: [{ports: [{protocol: UDP, port: 8080}]}]}",
        "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}",
        "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}]}]}",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]}",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}, podSelector: {matchLabels: {app: x}}}]}]}",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]}",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}",
    ];
    for spec in shut {
        assert_eq!(judged(&[("two", spec)]), ["ML312"], "{spec}");
    }
}

#[test]
fn the_client_needs_egress_and_dns_and_policies_add_up() {
    let deny = ("one", "{podSelector: {}, policyTypes: [Egress]}");
    let dns = (
        "one",
        "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: [{protocol: UDP, port: 53}]}]}",
    );
    let call = (
        "one",
        "{podSelector: {matchLabels: {app: client}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {team: b}}}], ports: [{port: http}]}]}",
    );
    assert_eq!(judged(&[deny]), ["ML311", "ML313"]);
    assert_eq!(judged(&[deny, dns]), ["ML311"]);
    assert_eq!(judged(&[deny, call]), ["ML313"]);
    assert_eq!(judged(&[deny, dns, call]), Vec::<&str>::new());
    // without policyTypes, egress rules make a policy isolate egress too
    let implied = ("one", "{podSelector: {}, egress: [{to: [{podSelector: {}}]}]}");
    assert_eq!(judged(&[implied]), ["ML311", "ML313"]);
    assert_eq!(judged(&[("one", "{podSelector: {}, ingress: [{}]}")]), Vec::<&str>::new());
}
