//! `[kubernetes]`.

use serde::Deserialize;
use std::fmt;

/// A choice that is written in `mainstay.toml` in kebab case and shown in the reference as it is written there.
macro_rules! choice {
    ($(#[doc = $about:expr])* $name:ident { $( $(#[doc = $doc:expr])* $variant:ident = $text:literal ),+ $(,)? }) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $( $(#[doc = $doc])* $variant ),+ }

        impl $name {
            /// As written in `mainstay.toml`.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                match text.as_str() {
                    $( $text => Ok(Self::$variant), )+
                    _ => Err(serde::de::Error::custom(format!("{text:?} is none of {}", [$( $text ),+].join(", ")))),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.text())
            }
        }
    };
}
pub(crate) use choice;

choice! {
    /// When the node fetches an image.
    PullPolicy {
        /// When the node does not have it.
        IfNotPresent = "if-not-present",
        /// Each time a container starts.
        Always = "always",
        /// Never: the image was loaded into the node by hand (minikube, k3d, kind).
        Never = "never",
    }
}

choice! {
    /// The Pod Security Standard that the namespace enforces.
    PodSecurity {
        /// Everything hardened.
        Restricted = "restricted",
        /// Known privilege escalations are refused.
        Baseline = "baseline",
        /// No restriction.
        Privileged = "privileged",
    }
}

choice! {
    /// Which admission policies are rendered with the system.
    Admission {
        /// None.
        Off = "off",
        /// `ValidatingAdmissionPolicy` objects, which every cluster from 1.30 on understands.
        Native = "native",
        /// Kyverno `ValidatingPolicy` objects (Kyverno 1.17 or newer).
        Kyverno = "kyverno",
    }
}

choice! {
    /// What an admission policy does with an object that breaks it.
    AdmissionAction {
        /// Reports it.
        Audit = "audit",
        /// Refuses it.
        Deny = "deny",
    }
}

choice! {
    /// Where the values of Secrets come from.
    SecretsFrom {
        /// `mainstay deploy` generates what is missing, once, and keeps it.
        Generate = "generate",
        /// The Secrets are made by somebody else (Sealed Secrets, SOPS, a platform team); nothing is rendered for them.
        Existing = "existing",
        /// `ExternalSecret` objects of the External Secrets Operator fetch them from a store.
        External = "external",
    }
}

/// An API version, `1.34`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubeVersion(pub u32);

mainstay_kernel::section! {
    /// The project on a Kubernetes cluster: what `render`, `diff` and `deploy` make.
    pub struct Kubernetes in "kubernetes" {
        /// Namespace; the project's name when unset.
        pub namespace: Option<String> = None,
        /// Render the Namespace. Off, when somebody else makes it and `mainstay` may only work inside it.
        pub create_namespace: bool = true,
        /// Oldest Kubernetes version that the objects must be valid on, 1.31 to 1.37.
        pub version: KubeVersion = KubeVersion(34),
        /// Roles to run. Each gets a Deployment of its own unless `[workloads.<name>] roles` puts several together.
        pub roles: Vec<String> = vec!["gateway".into(), "auth".into(), "data".into(), "portal".into()],
        /// Image of all roles; `<project>:<version of mainstay>` when unset. `mainstay image` builds it.
        pub image: Option<String> = None,
        /// When nodes fetch images: `if-not-present`, `always`, or `never` for images loaded into a local cluster.
        pub image_pull_policy: PullPolicy = PullPolicy::IfNotPresent,
        /// Registry to fetch the third-party images from instead of their own, such as `registry.example.com/mirror`.
        pub image_mirror: Option<String> = None,
        /// Images of third-party components in place of ours, by name: `{ grafana = "registry.example.com/grafana:12" }`.
        pub images: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new(),
        /// Names of Secrets with registry credentials.
        pub image_pull_secrets: Vec<String> = Vec::new(),
        /// Pod Security Standard of the namespace: `restricted`, `baseline` or `privileged`.
        pub pod_security: PodSecurity = PodSecurity::Restricted,
        /// Limit the CPU of containers. Off: requests only, so that idle cores can be used.
        pub cpu_limits: bool = true,
        /// Render the default-deny policy and one policy for each component.
        pub network_policies: bool = true,
        /// DNS servers besides the cluster's own that pods may ask, such as `169.254.20.10/32` with NodeLocal DNSCache.
        pub dns_servers: Vec<String> = Vec::new(),
        /// Address ranges of the API server, for components that talk to it. Empty: any address on ports 443 and 6443.
        pub api_server: Vec<String> = Vec::new(),
        /// Address ranges outside the cluster that the auth role may call over HTTPS (sign-in providers). Empty: any, and
        /// only when a provider is configured.
        pub provider_ranges: Vec<String> = Vec::new(),
        /// Admission policies for the namespace: `off`, `native` or `kyverno`.
        pub admission: Admission = Admission::Off,
        /// `audit` reports what breaks an admission policy, `deny` refuses it.
        pub admission_action: AdmissionAction = AdmissionAction::Audit,
        /// Registries that the admission policies allow images from. Empty: any.
        pub image_registries: Vec<String> = Vec::new(),
        /// Where Secrets come from: `generate`, `existing` or `external`.
        pub secrets: SecretsFrom = SecretsFrom::Generate,
        /// Store of the External Secrets Operator: `name`, or `ClusterSecretStore/name`.
        pub secret_store: String = "default".into(),
        /// Render PriorityClasses and use them: the database before the roles before the rest.
        pub priority_classes: bool = false,
        /// Run pods in a user namespace of their own (`hostUsers: false`); needs node support.
        pub user_namespaces: bool = false,
        /// Name of the ResourceQuota; `<project>-rq` when unset.
        pub quota_name: Option<String> = None,
        /// Name of the LimitRange; `<project>-lr` when unset.
        pub limit_range_name: Option<String> = None,
        /// The environment variable and Secret key of the token signing secret: `JWT_SECRET` or `SECRET_KEY`.
        pub jwt_variable: String = "JWT_SECRET".into(),
    }
    validate(this) {
        if !(31..=37).contains(&this.version.0) {
            return Err(("version", "is supported from 1.31 to 1.37".into()));
        }
        if let Some(namespace) = &this.namespace {
            super::name(namespace).map_err(|e| ("namespace", e))?;
        }
        for (key, text) in [("quota_name", &this.quota_name), ("limit_range_name", &this.limit_range_name)] {
            text.as_deref().map_or(Ok(()), super::name).map_err(|e| (key, e))?;
        }
        for text in &this.image_pull_secrets { super::name(text).map_err(|e| ("image_pull_secrets", e))?; }
        if !["JWT_SECRET", "SECRET_KEY"].contains(&this.jwt_variable.as_str()) {
            return Err(("jwt_variable", "is JWT_SECRET or SECRET_KEY".into()));
        }
        for (key, text) in [("image", &this.image), ("image_mirror", &this.image_mirror)] {
            text.as_deref().map_or(Ok(()), super::image).map_err(|e| (key, e))?;
        }
        for text in this.images.values() { super::image(text).map_err(|e| ("images", e))?; }
        let known = |name: &&String| !crate::tables::IMAGES.iter().any(|image| image.component == name.as_str());
        if let Some(name) = this.images.keys().find(known) {
            let all: Vec<_> = crate::tables::IMAGES.iter().map(|image| image.component).collect();
            return Err(("images", format!("there is no component {name}; the components are {}", all.join(", "))));
        }
        if this.roles.is_empty() {
            return Err(("roles", "name at least one role; `mainstay roles` lists them".into()));
        }
        Ok(())
    }
}

// === impl KubeVersion ===

impl fmt::Debug for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"1.{}\"", self.0)
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl<'de> Deserialize<'de> for KubeVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let minor = text.strip_prefix("1.").and_then(|minor| minor.parse().ok());
        minor
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no version; write for example \"1.34\"")))
    }
}
