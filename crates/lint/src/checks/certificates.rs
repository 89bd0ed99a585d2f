//! Where TLS certificates come from.

use super::{check, missing, references};
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};
use std::collections::BTreeMap;

pub(crate) const THEME: Theme = Theme {
    name: "Certificates",
    checks: &[
        check(
            "ML121",
            Error,
            "TLS Secret that nobody makes",
            "The controller serves its own self-signed certificate, or nothing.",
            "Add the Secret, a cert-manager Certificate with this secretName, or the issuer annotation.",
        ),
        check(
            "ML122",
            Error,
            "TLS Secret with two owners",
            "The annotation makes a Certificate of its own; the two overwrite each other's key for ever.",
            "Keep the Certificate or the annotation, not both.",
        ),
        check(
            "ML123",
            Error,
            "issuer that does not exist",
            "The certificate is never issued.",
            "Correct issuerRef or the annotation, or add the issuer.",
        ),
        check(
            "ML124",
            Warning,
            "certificate without the host's name",
            "Browsers refuse the certificate for this host.",
            "Add the host to the certificate's names.",
        ),
    ],
    run: &[ingresses, two_certificates, issuers, gateways],
};

const ANNOTATIONS: &[(&str, &str)] =
    &[("cert-manager.io/issuer", "Issuer"), ("cert-manager.io/cluster-issuer", "ClusterIssuer")];

fn ingresses(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Ingress") {
        let item = &world.items[*index];
        let annotated = ANNOTATIONS.iter().find(|(key, _)| item.annotation(key).is_some());
        let acme = item.annotation("kubernetes.io/tls-acme") == Some("true");
        for (t, tls) in lookup::list(item.value, "spec.tls").iter().enumerate() {
            let Some(name) = lookup::text(tls, "secretName") else { continue };
            let path = format!("spec.tls[{t}].secretName");
            let certificate = world
                .of_kind_in("Certificate", item.namespace)
                .iter()
                .find(|c| lookup::text(world.items[**c].value, "spec.secretName") == Some(name));
            match (annotated, certificate) {
                (Some((key, _)), Some(certificate)) => {
                    let other = world.items[*certificate].name;
                    let message =
                        format!("Both the annotation {key} and Certificate \"{other}\" write Secret \"{name}\".");
                    lint.report("ML122", *index, path.clone(), message);
                }
                (None, None) if !acme && !references::makes_secret(world, item.namespace, name) => {
                    missing(lint, "ML121", *index, path.clone(), "Secret", item.namespace, name);
                }
                _ => {}
            }
            if let Some(certificate) = certificate {
                let names = lookup::words(world.items[*certificate].value, "spec.dnsNames");
                for host in lookup::words(tls, "hosts") {
                    if !names.is_empty() && !names.iter().any(|name| covers(name, host)) {
                        lint.report("ML124", *index, path.clone(), format!("The certificate is not for \"{host}\"."));
                    }
                }
            }
        }
    }
}

/// Whether a name of a certificate, maybe with a `*` in front, is a host's.
pub(super) fn covers(name: &str, host: &str) -> bool {
    name == host
        || name.strip_prefix("*.").is_some_and(|rest| host.split_once('.').is_some_and(|(_, domain)| domain == rest))
}

fn two_certificates(lint: &mut Lint<'_>) {
    let world = lint.world;
    let mut owners: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for index in world.of_kind("Certificate") {
        let item = &world.items[*index];
        let Some(secret) = lookup::text(item.value, "spec.secretName") else { continue };
        if let Some(first) = owners.insert((item.namespace, secret), *index) {
            let message = format!("Certificate \"{}\" writes Secret \"{secret}\" too.", world.items[first].name);
            lint.report("ML122", *index, "spec.secretName", message);
        } else if let Some(found) = world.find("Secret", item.namespace, secret)
            && lookup::map(world.items[found].value, "data").is_some_and(|data| data.contains_key("tls.crt"))
        {
            let message = format!("Secret \"{secret}\" is in the files with a certificate of its own.");
            lint.report("ML122", *index, "spec.secretName", message);
        }
    }
}

fn issuers(lint: &mut Lint<'_>) {
    let world = lint.world;
    let check_one = |lint: &mut Lint<'_>, index: usize, path: String, kind: &str, name: &str| {
        let item = &world.items[index];
        let home = if kind == "ClusterIssuer" { "" } else { item.namespace };
        if world.find(kind, home, name).is_some() || name.is_empty() {
            return;
        }
        if kind == "ClusterIssuer" && world.of_kind(kind).is_empty() {
            // it belongs to the cluster, seldom to an application's files
            let message = format!("ClusterIssuer \"{name}\" is not among the given files.");
            lint.report_as(Advice, "ML123", index, path, message);
        } else {
            missing(lint, "ML123", index, path, kind, home, name);
        }
    };
    for index in world.of_kind("Certificate") {
        let value = world.items[*index].value;
        let group = lookup::text(value, "spec.issuerRef.group").unwrap_or("cert-manager.io");
        let kind = lookup::text(value, "spec.issuerRef.kind").unwrap_or("Issuer");
        if group == "cert-manager.io" && matches!(kind, "Issuer" | "ClusterIssuer") {
            check_one(lint, *index, "spec.issuerRef".into(), kind, lookup::word(value, "spec.issuerRef.name"));
        }
    }
    for index in world.of_kind("Ingress").iter().chain(world.of_kind("Gateway")) {
        for (key, kind) in ANNOTATIONS {
            if let Some(name) = world.items[*index].annotation(key) {
                check_one(lint, *index, format!("metadata.annotations[{key}]"), kind, name);
            }
        }
    }
}

fn gateways(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Gateway") {
        let item = &world.items[*index];
        if ANNOTATIONS.iter().any(|(key, _)| item.annotation(key).is_some()) {
            continue;
        }
        for (l, listener) in lookup::list(item.value, "spec.listeners").iter().enumerate() {
            for (c, certificate) in lookup::list(listener, "tls.certificateRefs").iter().enumerate() {
                let name = lookup::word(certificate, "name");
                let elsewhere =
                    lookup::text(certificate, "namespace").is_some_and(|namespace| namespace != item.namespace);
                if !elsewhere && !name.is_empty() && !references::makes_secret(world, item.namespace, name) {
                    let path = format!("spec.listeners[{l}].tls.certificateRefs[{c}]");
                    missing(lint, "ML121", *index, path, "Secret", item.namespace, name);
                }
            }
        }
    }
}
