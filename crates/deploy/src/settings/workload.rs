//! `[workloads.<name>]`.

use super::entry::entry;
use std::collections::BTreeMap;

entry! {
    /// `[workloads.<name>]`: a Deployment of one or several roles. What is unset follows from the roles (docs/kubernetes/sizes.md).
    pub struct Workload in "workloads.<name>" {
        /// Roles in each pod; unset: the role that the workload is named after.
        pub roles: Vec<String>,
        /// Pods; with an autoscaler the number to begin with.
        pub replicas: Option<u32>,
        /// CPU request, such as `250m`.
        pub cpu: Option<String>,
        /// CPU limit.
        pub cpu_limit: Option<String>,
        /// Memory request, such as `256Mi`.
        pub memory: Option<String>,
        /// Memory limit.
        pub memory_limit: Option<String>,
        /// Fewest pods of the autoscaler.
        pub min_replicas: Option<u32>,
        /// Most pods. Setting it makes an autoscaler.
        pub max_replicas: Option<u32>,
        /// Percentage of the requested CPU that the autoscaler aims at.
        pub target_cpu: Option<u32>,
        /// Percentage of the requested memory that the autoscaler aims at.
        pub target_memory: Option<u32>,
        /// Port the roles listen on.
        pub port: Option<u16>,
        /// Name of the Service; unset: one Service for each role, named after it.
        pub service_name: Option<String>,
        /// Port of the Service.
        pub service_port: Option<u16>,
        /// Name of the ConfigMap; `<name>-config` when unset.
        pub config_name: Option<String>,
        /// Name of the Secret; `<name>-secret` when unset.
        pub secret_name: Option<String>,
        /// Further key of the Secret that holds the name of the workload's login to PostgreSQL, such as `POSTGRES_USER`, for
        /// programs that do not read `DATABASE_URL`.
        pub user_key: Option<String>,
        /// Further key of the Secret that holds the password of that login, such as `DB_PASSWORD`.
        pub password_key: Option<String>,
        /// Name of the autoscaler; `<name>-hpa` when unset.
        pub hpa_name: Option<String>,
        /// Name of the network policy; the workload's name when unset.
        pub policy_name: Option<String>,
        /// Path of the readiness probe on the admin port; one of `/readyz` and `gateway.health_paths`.
        pub readiness_path: Option<String>,
        /// Seconds between readiness checks.
        pub readiness_every: Option<i32>,
        /// Seconds before the first readiness check, counted from the end of the startup probe.
        pub readiness_delay: Option<i32>,
        /// Seconds between liveness checks.
        pub liveness_every: Option<i32>,
        /// Seconds before the first liveness check.
        pub liveness_delay: Option<i32>,
        /// Further environment variables, for the ConfigMap.
        pub env: BTreeMap<String, String>,
        /// Further keys of the Secret that people give in the environment of `mainstay deploy`; absent ones are left out.
        pub given: Vec<String>,
    }
}

impl Workload {
    /// What no single key can tell.
    ///
    /// # Errors
    /// A sentence about the value that cannot be used.
    pub fn check(&self, name: &str) -> Result<(), String> {
        super::name(name)?;
        super::size(self.cpu.as_ref(), self.cpu_limit.as_ref(), self.memory.as_ref(), self.memory_limit.as_ref())?;
        for text in [&self.service_name, &self.config_name, &self.secret_name, &self.hpa_name, &self.policy_name] {
            text.as_deref().map_or(Ok(()), super::name)?;
        }
        let (min, max) = (self.min_replicas.unwrap_or(1), self.max_replicas);
        if self
            .readiness_path
            .as_deref()
            .is_some_and(|path| !path.starts_with('/') || path.contains(char::is_whitespace))
        {
            return Err("`readiness_path` begins with a slash and has no spaces".to_owned());
        }
        if self.replicas.is_some_and(|n| n > 1000) || min > 1000 {
            return Err("a workload has at most 1000 pods".to_owned());
        }
        if self.replicas == Some(0) || min == 0 {
            return Err("a workload has at least one pod".to_owned());
        }
        match max {
            None if self.min_replicas.is_some() || self.target_cpu.is_some() || self.target_memory.is_some() => {
                Err("`max_replicas` is missing; it makes the autoscaler that `min_replicas` and the targets belong to"
                    .to_owned())
            }
            Some(max) if max < min => Err(format!("max_replicas ({max}) is smaller than min_replicas ({min})")),
            Some(max) if max > 1000 => Err("max_replicas is at most 1000".to_owned()),
            Some(max) if self.replicas.is_some_and(|r| r > max || r < min) => {
                Err(format!("replicas must lie between min_replicas ({min}) and max_replicas ({max})"))
            }
            _ if [self.target_cpu, self.target_memory].iter().flatten().any(|t| !(1..=100).contains(t)) => {
                Err("targets are percentages of the request, 1 to 100".to_owned())
            }
            _ if self
                .env
                .keys()
                .chain(&self.given)
                .chain(&self.user_key)
                .chain(&self.password_key)
                .any(|key| !is_variable(key)) =>
            {
                Err("names of environment variables are letters, digits and underscores, and do not begin with a digit"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a text can be the name of an environment variable.
pub(crate) fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.len() <= 128
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
