//! `[kubernetes.database]` and `[database.storage]`.

use super::kubernetes::choice;

choice! {
    /// What PostgreSQL is on the cluster.
    DatabaseKind {
        /// A StatefulSet of ours with one pod.
        StatefulSet = "statefulset",
        /// A `Cluster` of the CloudNativePG operator.
        CloudNativePg = "cloudnativepg",
        /// A server outside, by URL.
        External = "external",
    }
}

mainstay_kernel::section! {
    /// `[kubernetes.database]`: PostgreSQL on the cluster.
    pub struct Database in "kubernetes.database" {
        /// `statefulset`, `cloudnativepg` or `external`.
        pub kind: DatabaseKind = DatabaseKind::StatefulSet,
        /// Image of PostgreSQL and its tools. With `cloudnativepg`: `imageName` of the Cluster.
        pub image: Option<String> = None,
        /// Pods of a CloudNativePG cluster. The StatefulSet always has one: it does not replicate.
        pub instances: u32 = 3,
        /// CPU request.
        pub cpu: Option<String> = None,
        /// CPU limit.
        pub cpu_limit: Option<String> = None,
        /// Memory request.
        pub memory: Option<String> = None,
        /// Memory limit.
        pub memory_limit: Option<String> = None,
        /// Name of the StatefulSet, or of the CloudNativePG Cluster.
        pub name: String = "postgres".into(),
        /// Service that clients use.
        pub service_name: String = "postgres-service".into(),
        /// Headless Service that gives each pod its DNS name; the same as `service_name` for one Service that is both.
        pub headless_name: String = "postgres-headless".into(),
        /// Secret with the name, owner and password of the database.
        pub secret_name: String = "postgres-secret".into(),
        /// ConfigMap with the database's host and name, mounted into the roles' environment. Unset: they stand in the
        /// roles' own ConfigMaps.
        pub config_name: Option<String> = None,
        /// Name of the database; the project's name when unset.
        pub database: Option<String> = None,
        /// Owner of the database.
        pub user: String = "postgres".into(),
        /// Job that prepares the database.
        pub init_name: String = "db-init".into(),
        /// ConfigMap with the project's migrations.
        pub init_sql_name: String = "db-init-sql".into(),
        /// Seconds between readiness checks.
        pub readiness_every: i32 = 5,
        /// Seconds between liveness checks.
        pub liveness_every: i32 = 10,
        /// Seconds before the first liveness check.
        pub liveness_delay: i32 = 30,
        /// Host of an external server.
        pub host: Option<String> = None,
        /// Port of an external server.
        pub port: u16 = 5432,
        /// How the roles' own logins use TLS: `disable`, `prefer`, `require` or `verify-full`. Unset: `prefer`.
        pub ssl_mode: Option<String> = None,
        /// Address ranges of an external server, for the network policies. Empty: any.
        pub ranges: Vec<String> = Vec::new(),
    }
    validate(this) {
        this.check().map_err(|e| ("kind", e))
    }
}

mainstay_kernel::section! {
    /// `[database.storage]`: the database's volume on a cluster.
    pub struct Storage in "database.storage" {
        /// Size of the volume.
        pub size: String = "10Gi".into(),
        /// StorageClass; the cluster's default when unset.
        pub class: Option<String> = None,
        /// Folder on the node to keep the data in, through a PersistentVolume with `Retain`. For local clusters with one node.
        pub host_path: Option<String> = None,
        /// Name of a PersistentVolumeClaim of its own. Unset: the StatefulSet makes one for each pod.
        pub claim_name: Option<String> = None,
        /// Name of the claim template of the StatefulSet.
        pub template_name: String = "data".into(),
        /// Only one pod of the whole cluster may use the volume (`ReadWriteOncePod`); needs a CSI driver.
        pub single_pod: bool = false,
    }
    validate(this) {
        this.check().map_err(|e| ("size", e))
    }
}

impl Database {
    /// What no single key can tell.
    pub(crate) fn check(&self) -> Result<(), String> {
        super::size(self.cpu.as_ref(), self.cpu_limit.as_ref(), self.memory.as_ref(), self.memory_limit.as_ref())?;
        self.config_name.as_deref().map_or(Ok(()), super::name)?;
        for text in [
            &self.name,
            &self.service_name,
            &self.headless_name,
            &self.secret_name,
            &self.init_name,
            &self.init_sql_name,
        ] {
            super::name(text)?;
        }
        self.image.as_deref().map_or(Ok(()), super::image)?;
        let plain = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                && text.len() <= 63
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        if !plain(&self.user) || !self.database.as_deref().is_none_or(plain) {
            return Err("`user` and `database` are lower-case letters, digits and underscores".to_owned());
        }
        if self.ssl_mode.as_deref().is_some_and(|mode| !["disable", "prefer", "require", "verify-full"].contains(&mode))
        {
            return Err("`ssl_mode` is disable, prefer, require or verify-full".to_owned());
        }
        if self.kind == DatabaseKind::External && self.host.is_none() {
            return Err("kind = \"external\" needs `host`, the name or address of the server".to_owned());
        }
        if self.kind == DatabaseKind::CloudNativePg && !(1..=9).contains(&self.instances) {
            return Err("`instances` is 1 to 9".to_owned());
        }
        Ok(())
    }
}

impl Storage {
    /// What no single key can tell.
    ///
    /// # Errors
    /// A sentence about the value that cannot be used.
    pub fn check(&self) -> Result<(), String> {
        super::volume(&self.size)?;
        super::name(&self.template_name)?;
        self.claim_name.as_deref().map_or(Ok(()), super::name)?;
        match &self.host_path {
            Some(path) if !path.starts_with('/') || path.trim_end_matches('/').is_empty() || path.contains("..") => {
                Err(format!("`host_path` {path:?} must be an absolute path below /, without `..`"))
            }
            Some(_) if self.class.is_some() => {
                Err("`host_path` makes a volume by hand and `class` asks a provisioner for one; set one of them"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }
}
