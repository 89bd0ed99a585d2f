//! `[expose]`.

use super::kubernetes::choice;

choice! {
    /// A way from outside to the gateway. Port-forwarding needs no object and always works.
    Way {
        /// A Service of type LoadBalancer.
        LoadBalancer = "loadbalancer",
        /// A Service of type NodePort.
        NodePort = "nodeport",
        /// An Ingress.
        Ingress = "ingress",
        /// An HTTPRoute of the Gateway API.
        GatewayApi = "gateway-api",
    }
}

mainstay_kernel::section! {
    /// How the gateway is reached from outside the cluster.
    pub struct Expose in "expose" {
        /// Ways in: `loadbalancer`, `nodeport`, `ingress`, `gateway-api`. Empty: by port-forwarding only.
        pub via: Vec<Way> = Vec::new(),
        /// Host name of the Ingress or HTTPRoute.
        pub host: Option<String> = None,
        /// Port of the Service.
        pub port: u16 = 80,
        /// Port on every node, 30000 to 32767; the cluster chooses one when it is 0.
        pub node_port: u16 = 30080,
        /// Name of the Ingress or HTTPRoute; the gateway's name when unset.
        pub ingress_name: Option<String> = None,
        /// IngressClass; the cluster's default when unset.
        pub ingress_class: Option<String> = None,
        /// Namespace of the ingress controller or of the Gateway's proxies, for the network policies.
        pub ingress_namespace: String = "ingress-nginx".into(),
        /// Annotations of the Ingress, for what only the controller in use understands.
        pub annotations: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new(),
        /// Address ranges that may reach a LoadBalancer. Empty: everybody.
        pub source_ranges: Vec<String> = Vec::new(),
        /// Implementation of the LoadBalancer, when the cluster has several.
        pub load_balancer_class: Option<String> = None,
        /// Gateway of the Gateway API that the HTTPRoute belongs to: `name` or `namespace/name`.
        pub gateway: String = "gateway".into(),
    }
    validate(this) {
        let named = this.via.iter().any(|way| matches!(way, Way::Ingress | Way::GatewayApi));
        if named && this.host.as_deref().is_none_or(str::is_empty) {
            return Err(("host", "an Ingress or HTTPRoute without a host would answer for every name; set the host name".into()));
        }
        if let Some(host) = this.host.as_deref().filter(|host| !host.is_empty()) {
            super::host(host).map_err(|e| ("host", e))?;
        }
        if this.node_port != 0 && !(30000..=32767).contains(&this.node_port) {
            return Err(("node_port", "lies between 30000 and 32767, or is 0 to let the cluster choose".into()));
        }
        if this.port == 0 { return Err(("port", "is 1 to 65535".into())); }
        if let Some(name) = &this.ingress_name { super::name(name).map_err(|e| ("ingress_name", e))?; }
        if this.via.contains(&Way::Ingress) && this.via.contains(&Way::GatewayApi) {
            return Err(("via", "choose one of `ingress` and `gateway-api`".into()));
        }
        let is_key = |key: &String| {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
            !key.is_empty() && key.len() <= 253 && key.chars().all(fits)
        };
        if let Some(key) = this.annotations.keys().find(|key| !is_key(key)) {
            return Err(("annotations", format!("{key:?} is no name of an annotation")));
        }
        if let Some(key) = this.annotations.keys().find(|key| key.ends_with("-snippet")) {
            return Err(("annotations", format!("{key} lets whoever edits it run code in the ingress controller; leave it out")));
        }
        Ok(())
    }
}
