//! The ways in: LoadBalancer, NodePort, Ingress, Gateway API. Only the gateway is exposed.

use super::common::annotate;
use super::workloads::{http_port, own_service_is_exposed};
use crate::settings::{Expose, TlsMode, Way};
use crate::system::{Component, System};
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    IngressTLS, ServiceBackendPort,
};
use mainstay_manifest::{Object, Phase};
use serde_json::json;

pub(super) fn objects(system: &System) -> Vec<Object> {
    let Some(gateway) = system.home_of("gateway") else { return Vec::new() };
    let Some((service, port)) = system.services_of(gateway).into_iter().next() else { return Vec::new() };
    let mut all = Vec::new();
    for way in [Way::LoadBalancer, Way::NodePort] {
        if system.exposed_by(way) && !own_service_is_exposed(system, way) {
            all.push(second_service(system, gateway, &service, port, way));
        }
    }
    if system.exposed_by(Way::Ingress) {
        all.push(ingress(system, gateway, &service));
    }
    if system.exposed_by(Way::GatewayApi) {
        all.push(route(system, gateway, &service, port));
    }
    all
}

/// Turns the gateway's own Service into the exposed one, when it is the only way in.
pub(super) fn open(system: &System, spec: &mut ServiceSpec, why: &mut String) {
    for way in [Way::LoadBalancer, Way::NodePort] {
        if own_service_is_exposed(system, way) {
            expose(system, spec, way);
            *why = match way {
                Way::LoadBalancer => "The way in: the cluster's load balancer gives this Service an address.",
                _ => "The way in: this Service answers on a port of every node.",
            }
            .to_owned();
        }
    }
}

fn expose(system: &System, spec: &mut ServiceSpec, way: Way) {
    let expose = &system.project.expose;
    if system.tls_at_gateway() {
        for port in spec.ports.iter_mut().flatten() {
            port.name = Some("https".to_owned());
            port.app_protocol = Some("https".to_owned());
            if port.port == 80 {
                port.port = 443;
            }
        }
    }
    // callers keep their address, which rate limits need; a node without a gateway pod does not answer
    spec.external_traffic_policy = Some("Local".to_owned());
    if way == Way::NodePort {
        spec.type_ = Some("NodePort".to_owned());
        if expose.node_port != 0 {
            for port in spec.ports.iter_mut().flatten() {
                port.node_port = Some(i32::from(expose.node_port));
            }
        }
        // every node answers: people are told to use any of them
        spec.external_traffic_policy = Some("Cluster".to_owned());
        return;
    }
    spec.type_ = Some("LoadBalancer".to_owned());
    spec.load_balancer_class.clone_from(&expose.load_balancer_class);
    spec.load_balancer_source_ranges = (!expose.source_ranges.is_empty()).then(|| expose.source_ranges.clone());
}

fn second_service(system: &System, gateway: &Component, name: &str, port: u16, way: Way) -> Object {
    let name = format!("{name}-{}", way.text());
    let mut spec = ServiceSpec {
        selector: Some(system.selector(gateway)),
        ports: Some(vec![http_port(port)]),
        ..ServiceSpec::default()
    };
    expose(system, &mut spec, way);
    let typed = Service { metadata: system.meta_of(&name, gateway), spec: Some(spec), ..Service::default() };
    Object::new(
        Phase::Networking,
        format!("{}/service-{}.yaml", system.folder(gateway), way.text()),
        format!("A further way in, of type {}.", way.text()),
        &typed,
    )
}

impl System {
    /// Name of the Ingress or HTTPRoute.
    #[must_use]
    pub fn ingress_name(&self, gateway: &Component) -> String {
        self.project.expose.ingress_name.clone().unwrap_or_else(|| gateway.name.clone())
    }
}

fn ingress(system: &System, gateway: &Component, service: &str) -> Object {
    let expose = &system.project.expose;
    let tls = &system.project.tls;
    let mut meta = system.meta_of(&system.ingress_name(gateway), gateway);
    for (key, value) in &expose.annotations {
        annotate(&mut meta, key, value);
    }
    if tls.mode == TlsMode::Annotation {
        let key = if tls.issuer_kind == "ClusterIssuer" {
            "cert-manager.io/cluster-issuer"
        } else {
            "cert-manager.io/issuer"
        };
        annotate(&mut meta, key, &system.issuer_name());
    }
    let host = expose.host.clone();
    let typed = Ingress {
        metadata: meta,
        spec: Some(IngressSpec {
            ingress_class_name: expose.ingress_class.clone(),
            tls: (tls.mode != TlsMode::Off).then(|| {
                vec![IngressTLS { hosts: Some(host.iter().cloned().collect()), secret_name: Some(system.tls_secret()) }]
            }),
            rules: Some(vec![IngressRule {
                host,
                http: Some(HTTPIngressRuleValue {
                    paths: vec![HTTPIngressPath {
                        path: Some("/".to_owned()),
                        path_type: "Prefix".to_owned(),
                        backend: IngressBackend {
                            service: Some(IngressServiceBackend {
                                name: service.to_owned(),
                                port: Some(ServiceBackendPort { name: Some("http".to_owned()), number: None }),
                            }),
                            resource: None,
                        },
                    }],
                }),
            }]),
            default_backend: None,
        }),
        ..Ingress::default()
    };
    let why = match tls.mode {
        TlsMode::Off => "The way in by host name, over plain HTTP: set [tls] mode before anybody signs in over it.",
        TlsMode::Annotation => {
            "The way in by host name. cert-manager sees the annotation and keeps the certificate in the Secret."
        }
        TlsMode::Issuer => "The way in by host name. The certificate is the one of tls/certificate.yaml.",
        TlsMode::Manual => "The way in by host name. The certificate is in the Secret of tls/secret.yaml.",
    };
    Object::new(Phase::Networking, format!("{}/ingress.yaml", system.folder(gateway)), why, &typed)
}

/// The Gateway that routes belong to.
pub(super) fn parent(expose: &Expose) -> serde_json::Value {
    match expose.gateway.split_once('/') {
        Some((namespace, name)) => json!({ "name": name, "namespace": namespace }),
        None => json!({ "name": expose.gateway }),
    }
}

/// An HTTPRoute of the Gateway API. TLS ends at the listener of the Gateway it belongs to.
fn route(system: &System, gateway: &Component, service: &str, port: u16) -> Object {
    let expose = &system.project.expose;
    let value = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": system.meta_of(&system.ingress_name(gateway), gateway),
        "spec": {
            "parentRefs": [parent(expose)],
            "hostnames": [expose.host],
            "rules": [{
                "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
                "backendRefs": [{ "name": service, "port": port }],
                "timeouts": { "request": "600s" },
            }],
        },
    });
    Object::new(
        Phase::Networking,
        format!("{}/httproute.yaml", system.folder(gateway)),
        "The way in by host name, through a Gateway of the Gateway API that is there already.",
        &value,
    )
}
