//! Certificates by cert-manager.

use crate::settings::{IssuerType, TlsMode};
use crate::system::System;
use mainstay_manifest::{Object, Phase};
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
    Object::new(Phase::Networking, format!("tls/{file}.yaml"), why, &value)
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
            "commonName": format!("{} certificate authority", system.project.name),
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
            Phase::Networking,
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
    let mut solver = json!({ "http01": { "ingress": {} } });
    if let Some(class) = &system.project.expose.ingress_class {
        solver["http01"]["ingress"]["ingressClassName"] = json!(class);
    }
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
        Phase::Networking,
        "tls/certificate.yaml",
        "cert-manager keeps a certificate for the host name in the Secret, and renews it.",
        &value,
    )
}
