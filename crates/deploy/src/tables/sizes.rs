//! Requests and limits of every container that has no size of its own in `mainstay.toml`.

use crate::settings::entry;
use mainstay_manifest::Quantity;

/// What a container asks for and may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// CPU request.
    pub cpu: Quantity,
    /// CPU limit.
    pub cpu_limit: Quantity,
    /// Memory request.
    pub memory: Quantity,
    /// Memory limit.
    pub memory_limit: Quantity,
}

entry! {
    /// A size as it is written in `mainstay.toml`; what is unset keeps its default.
    pub struct SizeSettings in "monitoring.sizes.<name>" {
        /// CPU request.
        pub cpu: Option<String>,
        /// CPU limit.
        pub cpu_limit: Option<String>,
        /// Memory request.
        pub memory: Option<String>,
        /// Memory limit.
        pub memory_limit: Option<String>,
    }
}

/// Name of the component or role, CPU request and limit in milli-cores, memory request and limit in MiB.
pub const SIZES: &[(&str, u32, u32, u32, u32)] = &[
    // roles
    ("gateway", 100, 200, 64, 128),
    ("auth", 250, 500, 128, 256),
    ("data", 250, 500, 128, 256),
    ("storage", 250, 1000, 256, 512),
    ("models", 500, 2000, 512, 1024),
    ("portal", 50, 200, 64, 128),
    // what a role's pod runs before it starts, and Jobs
    ("wait-for-postgres", 10, 50, 16, 64),
    ("db-init", 50, 250, 64, 128),
    ("backup", 100, 500, 128, 256),
    ("backup-verify", 250, 500, 256, 512),
    // the database
    ("postgres", 250, 500, 256, 512),
    // what watches
    ("prometheus", 250, 500, 256, 512),
    ("grafana", 100, 200, 128, 256),
    ("alertmanager", 50, 100, 64, 128),
    ("postgres-exporter", 50, 100, 32, 64),
    ("kube-state-metrics", 50, 100, 64, 128),
    ("loki", 100, 500, 256, 512),
    ("alloy", 100, 200, 128, 256),
    ("elasticsearch", 500, 1000, 1024, 1536),
    ("kibana", 250, 500, 512, 1024),
    ("fluent-bit", 50, 100, 64, 128),
    // the user's own
    ("service", 100, 500, 128, 256),
    ("job", 100, 500, 128, 256),
];

/// The size of a name in the table; the one of `service` for a name that is not in it.
#[must_use]
pub fn size_of(name: &str) -> Size {
    let find = |wanted: &str| SIZES.iter().find(|row| row.0 == wanted);
    let (_, cpu, cpu_limit, memory, memory_limit) = *find(name).or_else(|| find("service")).unwrap_or(&SIZES[0]);
    Size {
        cpu: Quantity::millicores(cpu.into()),
        cpu_limit: Quantity::millicores(cpu_limit.into()),
        memory: Quantity::mebibytes(memory.into()),
        memory_limit: Quantity::mebibytes(memory_limit.into()),
    }
}

impl Size {
    /// This size with what the settings say instead. A request above the default limit raises the limit, and a
    /// limit below the default request lowers the request.
    #[must_use]
    pub fn with(
        self,
        cpu: Option<&String>,
        cpu_limit: Option<&String>,
        memory: Option<&String>,
        memory_limit: Option<&String>,
    ) -> Self {
        // the settings' own check has refused what is no quantity
        let read = |text: Option<&String>| text.and_then(|t| t.parse::<Quantity>().ok());
        let mut size = self;
        size.cpu = read(cpu).unwrap_or(size.cpu);
        size.memory = read(memory).unwrap_or(size.memory);
        size.cpu_limit = read(cpu_limit).unwrap_or_else(|| size.cpu_limit.max(size.cpu));
        size.memory_limit = read(memory_limit).unwrap_or_else(|| size.memory_limit.max(size.memory));
        // a limit below the default request lowers the request
        size.cpu = size.cpu.min(size.cpu_limit);
        size.memory = size.memory.min(size.memory_limit);
        size
    }

    /// The sum of two sizes.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            cpu_limit: self.cpu_limit + other.cpu_limit,
            memory: self.memory + other.memory,
            memory_limit: self.memory_limit + other.memory_limit,
        }
    }

    /// This many of it.
    #[must_use]
    pub fn times(self, n: u32) -> Self {
        Self {
            cpu: self.cpu.times(n),
            cpu_limit: self.cpu_limit.times(n),
            memory: self.memory.times(n),
            memory_limit: self.memory_limit.times(n),
        }
    }

    /// The larger of two sizes in each respect.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.max(other.cpu),
            cpu_limit: self.cpu_limit.max(other.cpu_limit),
            memory: self.memory.max(other.memory),
            memory_limit: self.memory_limit.max(other.memory_limit),
        }
    }
}

impl SizeSettings {
    /// Refuses what is no quantity.
    ///
    /// # Errors
    /// A sentence about the value.
    pub fn check(&self) -> Result<(), String> {
        crate::settings::size(
            self.cpu.as_ref(),
            self.cpu_limit.as_ref(),
            self.memory.as_ref(),
            self.memory_limit.as_ref(),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_never_exceeds_its_limit() {
        let text = |text: &str| Some(text.to_owned());
        let (low, high) = (text("10m"), text("4"));
        let size = size_of("auth").with(None, low.as_ref(), None, None);
        assert_eq!((size.cpu, size.cpu_limit), (Quantity::millicores(10), Quantity::millicores(10)));
        let size = size_of("auth").with(high.as_ref(), None, None, None);
        assert_eq!((size.cpu, size.cpu_limit), (Quantity::millicores(4000), Quantity::millicores(4000)));
        let wrong = SizeSettings { cpu: high, cpu_limit: low, ..SizeSettings::default() };
        assert_eq!(wrong.check().unwrap_err(), "cpu asks for more than cpu_limit allows");
    }
}
