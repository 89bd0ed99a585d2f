//! The sections of `mainstay.toml` that say how a project stands on a cluster.

mod database;
mod entry;
mod expose;
mod kubernetes;
mod monitoring;
mod operations;
mod service;
mod tls;
mod workload;

pub use database::{Database, DatabaseKind, Storage};
pub(crate) use entry::entry;
pub use expose::{Expose, Way};
pub use kubernetes::{Admission, AdmissionAction, KubeVersion, Kubernetes, PodSecurity, PullPolicy, SecretsFrom};
pub use monitoring::{Logging, LoggingStack, Monitoring};
pub use operations::Backup;
pub(crate) use service::egress;
pub use service::{Job, Service};
pub use tls::{IssuerType, Tls, TlsMode};
pub use workload::Workload;
pub(crate) use workload::is_variable;

/// Refuses a text that is no quantity.
pub(crate) fn quantity(text: Option<&String>) -> Result<(), String> {
    match text.map(|t| t.parse::<mainstay_manifest::Quantity>()) {
        Some(Err(error)) => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// Refuses a text that is no size of a volume: a quantity above zero.
pub(crate) fn volume(text: &String) -> Result<(), String> {
    quantity(Some(text))?;
    match text.parse::<mainstay_manifest::Quantity>() {
        Ok(size) if size.0 > 0 => Ok(()),
        _ => Err(format!("{text:?} is no size of a volume; write for example \"10Gi\"")),
    }
}

/// Refuses sizes that are no quantities, and a request above its limit.
pub(crate) fn size(
    cpu: Option<&String>,
    cpu_limit: Option<&String>,
    memory: Option<&String>,
    memory_limit: Option<&String>,
) -> Result<(), String> {
    for (name, request, limit) in [("cpu", cpu, cpu_limit), ("memory", memory, memory_limit)] {
        quantity(request)?;
        quantity(limit)?;
        let read = |text: Option<&String>| text.and_then(|t| t.parse::<mainstay_manifest::Quantity>().ok());
        if read(request).is_some_and(|asked| asked.0 < 0) || read(limit).is_some_and(|most| most.0 <= 0) {
            return Err(format!("{name} must be above zero"));
        }
        if let (Some(asked), Some(most)) = (read(request), read(limit))
            && asked > most
        {
            return Err(format!("{name} asks for more than {name}_limit allows"));
        }
    }
    Ok(())
}

/// Refuses a text that cannot be the reference of an image.
pub(crate) fn image(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '@');
    if text.is_empty()
        || text.len() > 512
        || !text.chars().all(fits)
        || !text.starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return Err(format!("{text:?} is no image; write for example \"registry.example.com/team/app:1.0\""));
    }
    Ok(())
}

/// Refuses a text that cannot be a host name (RFC 1123), with `*.` in front at most.
pub(crate) fn host(text: &str) -> Result<(), String> {
    let bare = text.strip_prefix("*.").unwrap_or(text);
    if text.len() > 253 || bare.split('.').any(|label| name(label).is_err()) {
        return Err(format!("{text:?} is no host name; write for example \"app.example.com\""));
    }
    Ok(())
}

/// Refuses a text that cannot be the name of an object (RFC 1123 label).
pub(crate) fn name(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || text.len() > 63 || !text.chars().all(fits) || text.starts_with('-') || text.ends_with('-') {
        return Err(format!("{text:?} is no name; use 1 to 63 lower-case letters, digits and hyphens"));
    }
    Ok(())
}

/// The sections of this room, in the order of the reference.
#[must_use]
pub fn sections() -> Vec<mainstay_kernel::config::SectionInfo> {
    use mainstay_kernel::config::Section as _;
    vec![
        Kubernetes::info(),
        Database::info(),
        Storage::info(),
        Expose::info(),
        Tls::info(),
        Monitoring::info(),
        mainstay_monitoring::Alerts::info(),
        Logging::info(),
        Backup::info(),
    ]
}

/// The keys of named entries, for the reference.
#[must_use]
pub fn entries() -> Vec<mainstay_kernel::config::SectionInfo> {
    vec![Workload::info(), Service::info(), Job::info(), crate::tables::SizeSettings::info()]
}
