//! `[services.<name>]` and `[jobs.<name>]`: what the user brings.

use super::entry::entry;
use std::collections::BTreeMap;

entry! {
    /// `[services.<name>]`: a container of the user's own beside the roles, reached through the gateway under
    /// `/functions/v1/<name>`.
    pub struct Service in "services.<name>" {
        /// Image on a cluster.
        pub image: String,
        /// Command and arguments in place of the image's own.
        pub command: Vec<String>,
        /// Port it listens on; 8080 when unset.
        pub port: Option<u16>,
        /// Pods; 1 when unset.
        pub replicas: Option<u32>,
        /// CPU request.
        pub cpu: Option<String>,
        /// CPU limit.
        pub cpu_limit: Option<String>,
        /// Memory request.
        pub memory: Option<String>,
        /// Memory limit.
        pub memory_limit: Option<String>,
        /// Fewest pods of the autoscaler.
        pub min_replicas: Option<u32>,
        /// Most pods. Setting it makes an autoscaler.
        pub max_replicas: Option<u32>,
        /// Percentage of the requested CPU that the autoscaler aims at.
        pub target_cpu: Option<u32>,
        /// Path that answers 200 while it can work; unset: the port must accept connections.
        pub health_path: Option<String>,
        /// Path of its Prometheus metrics; unset: none are scraped.
        pub metrics_path: Option<String>,
        /// Environment variables.
        pub env: BTreeMap<String, String>,
        /// Secret whose keys become environment variables.
        pub secret_name: Option<String>,
        /// Whether it may connect to PostgreSQL.
        pub database: bool,
        /// Address ranges outside the cluster that it may call, such as `203.0.113.0/24` (port 443) or `203.0.113.0/24:587`.
        /// Empty: none.
        pub egress: Vec<String>,
        /// User id of the container; must not be root.
        pub uid: Option<i64>,
        /// Folders that it writes to; each becomes an empty volume, as the root file system is read-only.
        pub writable: Vec<String>,
    }
}

entry! {
    /// `[jobs.<name>]`: a Job of the user's own, or a CronJob when it has a schedule.
    pub struct Job in "jobs.<name>" {
        /// Image; the project's own when unset.
        pub image: Option<String>,
        /// Command and arguments in place of the image's own.
        pub command: Vec<String>,
        /// Times in cron form, such as `0 3 * * *`. Unset: it runs once for each version of it.
        pub schedule: Option<String>,
        /// Time zone of the schedule.
        pub time_zone: Option<String>,
        /// CPU request.
        pub cpu: Option<String>,
        /// CPU limit.
        pub cpu_limit: Option<String>,
        /// Memory request.
        pub memory: Option<String>,
        /// Memory limit.
        pub memory_limit: Option<String>,
        /// Environment variables.
        pub env: BTreeMap<String, String>,
        /// Secret whose keys become environment variables.
        pub secret_name: Option<String>,
        /// Whether it may connect to PostgreSQL.
        pub database: bool,
        /// Address ranges outside the cluster that it may call, such as `203.0.113.0/24` (port 443) or `203.0.113.0/24:587`.
        /// Empty: none.
        pub egress: Vec<String>,
        /// Longest time that it may take, in seconds.
        pub deadline: Option<i64>,
    }
}

impl Service {
    /// What no single key can tell.
    ///
    /// # Errors
    /// A sentence about the value that cannot be used.
    pub fn check(&self, name: &str) -> Result<(), String> {
        super::name(name)?;
        if self.image.is_empty() {
            return Err("`image` is missing: the container to run on a cluster".to_owned());
        }
        super::image(&self.image)?;
        super::size(self.cpu.as_ref(), self.cpu_limit.as_ref(), self.memory.as_ref(), self.memory_limit.as_ref())?;
        egress(&self.egress)?;
        if self.env.keys().any(|key| !super::is_variable(key)) {
            return Err("names of environment variables are letters, digits and underscores".to_owned());
        }
        if [self.replicas, self.min_replicas, self.max_replicas].iter().flatten().any(|n| !(1..=1000).contains(n)) {
            return Err("a service has 1 to 1000 pods".to_owned());
        }
        for path in [&self.health_path, &self.metrics_path].into_iter().flatten().chain(&self.writable) {
            if !path.starts_with('/') || path.contains("..") || path.contains(char::is_whitespace) {
                return Err(format!("{path:?} must begin with a slash, without `..` and spaces"));
            }
        }
        self.secret_name.as_deref().map_or(Ok(()), super::name)?;
        if self.uid == Some(0) {
            return Err("`uid` 0 is root, which the namespace refuses; choose another".to_owned());
        }
        if self.port.is_some_and(|port| port < 1024) {
            return Err("`port` must be 1024 or above: the container is not root".to_owned());
        }
        if self.max_replicas.is_some_and(|max| max < self.min_replicas.unwrap_or(1)) {
            return Err("max_replicas is smaller than min_replicas".to_owned());
        }
        Ok(())
    }
}

impl Job {
    /// What no single key can tell.
    ///
    /// # Errors
    /// A sentence about the value that cannot be used.
    pub fn check(&self, name: &str) -> Result<(), String> {
        super::name(name)?;
        super::size(self.cpu.as_ref(), self.cpu_limit.as_ref(), self.memory.as_ref(), self.memory_limit.as_ref())?;
        egress(&self.egress)?;
        self.image.as_deref().map_or(Ok(()), super::image)?;
        if self.command.is_empty() && self.image.is_none() {
            return Err("set `image`, `command` or both".to_owned());
        }
        if self.env.keys().any(|key| !super::is_variable(key)) {
            return Err("names of environment variables are letters, digits and underscores".to_owned());
        }
        self.secret_name.as_deref().map_or(Ok(()), super::name)?;
        if self.schedule.as_ref().is_some_and(|s| s.split_whitespace().count() != 5 && !s.starts_with('@')) {
            return Err("`schedule` has five fields, such as \"0 3 * * *\"".to_owned());
        }
        Ok(())
    }
}

/// Address ranges with their ports: `203.0.113.0/24` means port 443.
///
/// # Errors
/// A sentence about the text that is none.
pub(crate) fn egress(texts: &[String]) -> Result<Vec<(String, u16)>, String> {
    texts
        .iter()
        .map(|text| {
            range(text).ok_or_else(|| {
                format!("{text:?} is no address range; write for example \"203.0.113.0/24\" or \"203.0.113.0/24:587\"")
            })
        })
        .collect()
}

fn range(text: &str) -> Option<(String, u16)> {
    let (address, rest) = text.split_once('/')?;
    let address: std::net::IpAddr = address.parse().ok()?;
    let (bits, port) = rest.split_once(':').map_or((rest, Some(443)), |(bits, port)| (bits, port.parse().ok()));
    let bits: u8 = bits.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most && port != Some(0)).then_some(())?;
    Some((format!("{address}/{bits}"), port?))
}
