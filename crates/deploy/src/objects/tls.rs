//! Certificates by cert-manager.

use crate::settings::{IssuerType, TlsMode, Way};
use crate::system::System;
use crate::tables::Size;
use mainstay_manifest::{Object, Phase, Quantity};
use serde_json::json;

pub(super) fn objects(system: &System) -> Vec<Object> {
    let tls = &system.project.tls;
    if !matches!(tls.mode, TlsMode::Issuer | TlsMode::Annotation) {
        return Vec::new();
    }
    let mut all = match tls.issuer_type {
        IssuerType::Existing => Vec::new(),
        IssuerType::SelfSigned => own_authority(system),
        IssuerType::Acme => vec![acme(system)],
    };
    if tls.mode == TlsMode::Issuer {
        all.push(certificate(system));
    }
    all
}

/// When certificates are asked for: before the gateway's pods when these mount them, else with the Ingress.
fn phase(system: &System) -> Phase {
    if system.tls_at_gateway() { Phase::Configuration } else { Phase::Networking }
}

/// What cert-manager's pod that answers an ACME server asks for and may use, by its own defaults.
pub(super) const SOLVER: Size = Size {
    cpu: Quantity::millicores(10),
    cpu_limit: Quantity::millicores(100),
    memory: Quantity::mebibytes(64),
    memory_limit: Quantity::mebibytes(64),
};
/// Port and label of that pod.
const SOLVER_PORT: i32 = 8089;
const SOLVER_LABEL: &str = "acme.cert-manager.io/http01-solver";

/// Whether cert-manager answers the checks of an ACME server with pods of its own in the namespace.
pub(super) fn answers_challenges(system: &System) -> bool {
    let tls = &system.project.tls;
    matches!(tls.mode, TlsMode::Issuer | TlsMode::Annotation) && tls.issuer_type == IssuerType::Acme
}

/// Opens the pod that answers an ACME server to the ingress controller: without it no certificate is ever made.
pub(super) fn solver_policy(system: &System) -> Option<Object> {
    if !answers_challenges(system) {
        return None;
    }
    let typed = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": system.meta("acme-solver", &system.project.name, "network"),
        "spec": {
            "podSelector": { "matchLabels": { SOLVER_LABEL: "true" } },
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [{ "namespaceSelector": {
                    "matchLabels": { "kubernetes.io/metadata.name": system.project.expose.ingress_namespace },
                } }],
                "ports": [{ "port": SOLVER_PORT, "protocol": "TCP" }],
            }],
        },
    });
    Some(Object::new(
        Phase::Configuration,
        "network/acme-solver.yaml",
        "While a certificate is made, cert-manager runs a pod here that answers the ACME server through the ingress controller.",
        &typed,
    ))
}

impl System {
    /// Name of the Issuer.
    #[must_use]
    pub fn issuer_name(&self) -> String {
        self.project.tls.issuer_name.clone().unwrap_or_else(|| format!("{}-issuer", self.project.name))
    }
}

fn issuer(system: &System, name: &str, spec: &serde_json::Value, file: &str, why: &str) -> Object {
    let value = json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "Issuer",
        "metadata": system.meta(name, &system.project.name, "tls"),
        "spec": spec,
    });
    Object::new(phase(system), format!("tls/{file}.yaml"), why, &value)
}

/// A certificate authority of the project: signed by itself once, and the Issuer signs with it. Clients trust one
/// certificate and do not have to be told of each renewal.
fn own_authority(system: &System) -> Vec<Object> {
    let name = system.issuer_name();
    let root = format!("{name}-ca");
    let authority = json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": system.meta(&root, &system.project.name, "tls"),
        "spec": {
            "isCA": true,
            // a common name has at most 64 characters
            "commonName": format!("{} authority", system.project.name).chars().take(64).collect::<String>().trim_end(),
            "secretName": root,
            "duration": "87600h",
            "renewBefore": "8760h",
            "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never" },
            "issuerRef": { "name": format!("{name}-selfsigned"), "kind": "Issuer", "group": "cert-manager.io" },
        },
    });
    vec![
        issuer(
            system,
            &format!("{name}-selfsigned"),
            &json!({ "selfSigned": {} }),
            "issuer-selfsigned",
            "Signs the project's own certificate authority, and nothing else.",
        ),
        Object::new(
            phase(system),
            "tls/authority.yaml",
            "The project's own certificate authority. Its certificate (ca.crt in the Secret) is what clients must trust.",
            &authority,
        ),
        issuer(
            system,
            &name,
            &json!({ "ca": { "secretName": root } }),
            "issuer",
            "Signs certificates with the project's own authority.",
        ),
    ]
}

fn acme(system: &System) -> Object {
    let tls = &system.project.tls;
    let name = system.issuer_name();
    // cert-manager's own choice is a node port, which the quota does not have and nobody needs
    let mut http = json!({ "serviceType": "ClusterIP" });
    let expose = &system.project.expose;
    let kind = if system.exposed_by(Way::GatewayApi) {
        http["parentRefs"] = json!([super::exposure::parent(expose)]);
        "gatewayHTTPRoute"
    } else {
        if let Some(class) = &expose.ingress_class {
            http["ingressClassName"] = json!(class);
        }
        "ingress"
    };
    let mut solver = json!({ "http01": {} });
    solver["http01"][kind] = http;
    let spec = json!({
        "acme": {
            "server": tls.acme_server,
            "email": tls.acme_email,
            "privateKeySecretRef": { "name": format!("{name}-account") },
            "solvers": [solver],
        },
    });
    issuer(
        system,
        &name,
        &spec,
        "issuer",
        "Gets certificates from the ACME server, which checks the host name over HTTP: port 80 of the Ingress must be reachable.",
    )
}

fn certificate(system: &System) -> Object {
    let tls = &system.project.tls;
    let value = json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": system.meta(&system.tls_secret(), &system.project.name, "tls"),
        "spec": {
            "secretName": system.tls_secret(),
            "dnsNames": system.project.expose.host.iter().collect::<Vec<_>>(),
            "duration": format!("{}h", tls.duration_hours),
            "renewBefore": format!("{}h", tls.renew_before_hours),
            "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
            "usages": ["digital signature", "key encipherment", "server auth"],
            "issuerRef": { "name": system.issuer_name(), "kind": tls.issuer_kind, "group": "cert-manager.io" },
        },
    });
    Object::new(
        phase(system),
        "tls/certificate.yaml",
        "cert-manager keeps a certificate for the host name in the Secret, and renews it.",
        &value,
    )
}
