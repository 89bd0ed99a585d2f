//! What can go wrong with a cluster, in sentences, with stable codes and a way out.

use crate::conflict::ConflictReport;
use crate::diagnose::Trouble;
use mainstay_kernel::error::ErrorEntry;

/// Why the cluster was not brought to the desired state. Every variant has a stable code, see [`ERRORS`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No kubeconfig, or one that cannot be read.
    #[error("No cluster is configured: {0}")]
    NoKubeconfig(String),
    /// The kubeconfig has no such context.
    #[error("The kubeconfig has no context {wanted:?}; it has {known}.")]
    UnknownContext {
        /// The context asked for.
        wanted: String,
        /// The contexts there are.
        known: String,
    },
    /// Nothing answers at the API server's address.
    #[error("The API server {server} cannot be reached: {reason}")]
    Unreachable {
        /// Address of the API server.
        server: String,
        /// What the connection said.
        reason: String,
    },
    /// The credentials are not accepted.
    #[error("The API server does not accept the credentials of the kubeconfig: {0}")]
    Unauthorised(String),
    /// The credentials are accepted, the deed is not.
    #[error("Not allowed: {verb} {kind}{}. {message}", .namespace.as_ref().map(|n| format!(" in namespace {n}")).unwrap_or_default())]
    Forbidden {
        /// Verb as RBAC names it.
        verb: String,
        /// Kind, or path.
        kind: String,
        /// Namespace, when there is one.
        namespace: Option<String>,
        /// The server's sentence.
        message: String,
    },
    /// TLS refused.
    #[error("The connection to {server} is not trusted: {reason}")]
    Certificate {
        /// Address of the API server.
        server: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// No answer in time.
    #[error("The API server did not answer {what} within {seconds} s.")]
    Timeout {
        /// What was asked.
        what: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// Any other answer that is no success.
    #[error("The API server refused {what} ({code}): {message}")]
    Refused {
        /// What was asked.
        what: String,
        /// HTTP status.
        code: u16,
        /// The server's sentence.
        message: String,
    },
    /// The cluster does not know the kind.
    #[error("The cluster does not know {kind} ({api_version}). {hint}")]
    UnknownKind {
        /// Kind.
        kind: String,
        /// Group and version.
        api_version: String,
        /// What to install.
        hint: String,
    },
    /// The namespace exists and is somebody else's.
    #[error("The namespace {0} exists and was not made by Mainstay for this project.")]
    NamespaceNotOurs(String),
    /// The namespace is being deleted.
    #[error("The namespace {0} is being deleted.")]
    NamespaceTerminating(String),
    /// The namespace is not there and is not among the objects.
    #[error("The namespace {0} does not exist.")]
    NamespaceMissing(String),
    /// Another program keeps this set of objects.
    #[error("The objects of namespace {namespace} are kept by {tooling:?}.")]
    ForeignSet {
        /// Namespace.
        namespace: String,
        /// The tooling annotation of the set.
        tooling: String,
    },
    /// An object of the same name belongs to another set.
    #[error("{object} belongs to another set of objects ({set}).")]
    ForeignMember {
        /// The object.
        object: String,
        /// Identity of the other set.
        set: String,
    },
    /// Somebody else deploys right now.
    #[error("{holder} is deploying to namespace {namespace}; its lock ends in {seconds} s unless it is renewed.")]
    Locked {
        /// Who holds the lock.
        holder: String,
        /// Namespace.
        namespace: String,
        /// Seconds until it may be taken over.
        seconds: i64,
    },
    /// Fields are owned by others.
    #[error("{0}")]
    Conflict(ConflictReport),
    /// A field that cannot change would have to.
    #[error("{object} cannot be changed in place: {message} {way_out}")]
    Immutable {
        /// The object.
        object: String,
        /// The server's sentence.
        message: String,
        /// What to do.
        way_out: String,
    },
    /// The object does not pass validation.
    #[error("{object} is not valid: {message}")]
    Invalid {
        /// The object.
        object: String,
        /// The server's sentence.
        message: String,
    },
    /// Something did not become ready, and why.
    #[error("{0}")]
    Failed(Box<Trouble>),
    /// Something did not become ready in time.
    #[error("Not ready after {seconds} s: {}{}", waiting.join("; "), seen(troubles))]
    Deadline {
        /// The overall deadline, in seconds.
        seconds: u64,
        /// What was still waited for, with its state.
        waiting: Vec<String>,
        /// What was seen meanwhile.
        troubles: Vec<Trouble>,
    },
    /// A Secret lacks keys, or is not there.
    #[error("{}", missing_keys(.secret, .missing))]
    SecretIncomplete {
        /// Name of the Secret.
        secret: String,
        /// Keys that are missing; empty when the Secret itself is missing.
        missing: Vec<String>,
    },
    /// A value that a person must give was not given.
    #[error("{}", values_needed(.0))]
    SecretNotGiven(Vec<String>),
    /// A template names a key that nobody has.
    #[error("The value of {key} refers to {reference}, which is not known.")]
    SecretReference {
        /// The key with the template.
        key: String,
        /// What it refers to.
        reference: String,
    },
    /// There is no such Secret to rotate, or nothing in it that we generate.
    #[error("{0} holds nothing that Mainstay generates.")]
    NothingToRotate(String),
    /// A value could not be made.
    #[error("A secret value could not be generated: {0}")]
    Generate(String),
    /// There is no such release.
    #[error("There is no release {wanted}; there are {known}.")]
    NoRelease {
        /// The release asked for.
        wanted: String,
        /// The releases there are.
        known: String,
    },
    /// The database cannot go back.
    #[error(
        "Release {release} does not know the database as it is now: {}",
        unknown.join(", ")
    )]
    MigrationsAhead {
        /// The release asked for.
        release: u32,
        /// Migrations that do not fit.
        unknown: Vec<String>,
    },
    /// A release record cannot be read.
    #[error("Release {release} cannot be read: {reason}")]
    ReleaseUnreadable {
        /// Its number.
        release: u32,
        /// What is wrong.
        reason: String,
    },
    /// The API server is older than what Mainstay emits.
    #[error("The cluster runs Kubernetes {found}; Mainstay needs {oldest} or newer.")]
    TooOld {
        /// The server's version.
        found: String,
        /// The oldest version that is supported.
        oldest: String,
    },
    /// There is no such component, pod or port.
    #[error("{0}")]
    NotFound(String),
    /// Reading or writing a local connection failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// Several objects at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<Error>),
}

/// What was seen last, below the first line; more than a few only repeat each other.
fn seen(troubles: &[Trouble]) -> String {
    troubles.iter().take(3).map(|trouble| format!("\n{trouble}")).collect()
}

fn missing_keys(secret: &str, missing: &[String]) -> String {
    if missing.is_empty() {
        format!("The Secret {secret} does not exist.")
    } else {
        format!("The Secret {secret} lacks {}.", missing.join(", "))
    }
}

fn values_needed(names: &[String]) -> String {
    format!("A person must give {}.", names.join(", "))
}

macro_rules! entries {
    ($($code:literal $status:literal $meaning:literal $remedy:literal;)*) => {
        &[$(ErrorEntry { code: $code, status: $status, meaning: $meaning, remedy: $remedy }),*]
    };
}

/// Every error of this room, as the generated reference shows it. The statuses are those of a failed command, not of HTTP.
pub const ERRORS: &[ErrorEntry] = entries! {
    "MC001" 400 "No kubeconfig was found, or it cannot be read." "Set KUBECONFIG, or give --kubeconfig; a local cluster's tool writes one (`minikube update-context`, `k3d kubeconfig merge`).";
    "MC002" 400 "The kubeconfig has no context of that name." "List them with `kubectl config get-contexts` and give one with --context.";
    "MC003" 503 "Nothing answers at the API server's address." "Is the cluster running, and is the network or the VPN up? Check the address in the kubeconfig.";
    "MC004" 401 "The API server does not accept the credentials." "Log in again, or renew the token or the client certificate of the kubeconfig.";
    "MC005" 403 "The credentials lack a permission." "Ask for the Role in docs/kubernetes/permissions.md; `mainstay doctor --cluster` lists everything that is missing.";
    "MC006" 525 "The API server's certificate, or the client's, is not accepted." "An expired certificate must be renewed; an unknown authority means the kubeconfig is of another cluster.";
    "MC007" 504 "The API server did not answer in time." "Try again; look at the load of the control plane if it lasts.";
    "MC008" 500 "The API server refused a request." "Its sentence says why.";
    "MC010" 422 "An object is of a kind that the cluster does not know." "Install what the sentence names, or turn the setting off that asks for it.";
    "MC011" 409 "The namespace exists and is not this project's." "Choose another name, or deploy with --adopt-namespace; labels of others are kept.";
    "MC012" 409 "The namespace is being deleted." "Wait until it is gone; an object with a finalizer may hold it.";
    "MC013" 404 "The namespace does not exist and is not among the objects." "Create it, or let Mainstay render it.";
    "MC014" 409 "Another program keeps this set of objects." "Remove the set with the program that made it, or deploy to another namespace.";
    "MC015" 409 "An object of this name belongs to another set." "Give one of the two projects another name or namespace.";
    "MC016" 423 "Another deployment is going on." "Wait for it; a lock whose holder has died ends by itself.";
    "MC020" 409 "Other field managers own fields that the project wants to set." "Let them go, leave the field out, or take it with --take-ownership=KIND/NAME.";
    "MC021" 422 "A field that cannot change after creation would have to." "The sentence says how to get there.";
    "MC022" 422 "An object does not pass the API server's validation." "Correct the setting that makes it; `mainstay lint` finds most of these without a cluster.";
    "MC030" 500 "Something cannot become ready." "The cause and a hint are shown with it.";
    "MC031" 504 "Something did not become ready within the deadline." "Look at what is shown; a slow cluster needs a longer --timeout.";
    "MC040" 404 "A Secret that the project refers to is missing or lacks keys." "Create it with these keys.";
    "MC041" 400 "A secret value must be given by a person." "Set the environment variable that the message names, and deploy again.";
    "MC042" 400 "A secret's template refers to an unknown key." "Correct the reference: {secret/key}.";
    "MC043" 404 "There is nothing to rotate under this name." "`mainstay render` shows the Secrets and their keys; only generated ones can be rotated.";
    "MC044" 500 "A secret value could not be generated." "Look at the reason; the system must have randomness.";
    "MC050" 404 "There is no such release." "`mainstay rollback --list` shows them; ten are kept.";
    "MC051" 409 "The database has migrations that the release does not know." "Deploy forward with a fix instead: migrations are never undone.";
    "MC052" 500 "A release record cannot be read." "Deploy from the project folder instead.";
    "MC060" 400 "The cluster is too old." "Upgrade it, or force at your own risk.";
    "MC070" 404 "There is no such component, pod or port." "`mainstay status --cluster` lists them.";
    "MC071" 500 "A local connection failed." "Its sentence says why; another --port may be free.";
    "MC090" 500 "Several objects failed." "Each is listed with its own sentence.";
};

// === impl Error ===

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKubeconfig(_) => "MC001",
            Self::UnknownContext { .. } => "MC002",
            Self::Unreachable { .. } => "MC003",
            Self::Unauthorised(_) => "MC004",
            Self::Forbidden { .. } => "MC005",
            Self::Certificate { .. } => "MC006",
            Self::Timeout { .. } => "MC007",
            Self::Refused { .. } => "MC008",
            Self::UnknownKind { .. } => "MC010",
            Self::NamespaceNotOurs(_) => "MC011",
            Self::NamespaceTerminating(_) => "MC012",
            Self::NamespaceMissing(_) => "MC013",
            Self::ForeignSet { .. } => "MC014",
            Self::ForeignMember { .. } => "MC015",
            Self::Locked { .. } => "MC016",
            Self::Conflict(_) => "MC020",
            Self::Immutable { .. } => "MC021",
            Self::Invalid { .. } => "MC022",
            Self::Failed(_) => "MC030",
            Self::Deadline { .. } => "MC031",
            Self::SecretIncomplete { .. } => "MC040",
            Self::SecretNotGiven(_) => "MC041",
            Self::SecretReference { .. } => "MC042",
            Self::NothingToRotate(_) => "MC043",
            Self::Generate(_) => "MC044",
            Self::NoRelease { .. } => "MC050",
            Self::MigrationsAhead { .. } => "MC051",
            Self::ReleaseUnreadable { .. } => "MC052",
            Self::TooOld { .. } => "MC060",
            Self::NotFound(_) => "MC070",
            Self::Io { .. } => "MC071",
            Self::Several(_) => "MC090",
        }
    }

    /// What to do about it, in a sentence.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        ERRORS.iter().find(|entry| entry.code == self.code()).map_or("", |entry| entry.remedy)
    }

    /// One error of many; a single one stays itself.
    pub(crate) fn of_many(mut errors: Vec<Self>) -> Self {
        if errors.len() == 1 { errors.swap_remove(0) } else { Self::Several(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_table_once() {
        let mut codes: Vec<_> = ERRORS.iter().map(|entry| entry.code).collect();
        codes.dedup();
        assert_eq!(codes.len(), ERRORS.len());
        assert!(codes.is_sorted());
        for error in [
            Error::NoKubeconfig(String::new()),
            Error::NamespaceNotOurs(String::new()),
            Error::NotFound(String::new()),
            Error::Several(Vec::new()),
        ] {
            assert!(codes.contains(&error.code()));
            assert!(!error.remedy().is_empty());
        }
    }
}
