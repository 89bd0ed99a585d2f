//! What goes in: the desired state and the wishes of the person who deploys.

use mainstay_manifest::{Object, SecretSpec};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Everything that a project wants on the cluster.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Name of the project.
    pub project: String,
    /// Its namespace.
    pub namespace: String,
    /// Version of the image or the project; kept in the release record.
    pub version: String,
    /// The objects. Secrets are without data.
    pub objects: Vec<Object>,
    /// What the Secrets must hold. One without an object in `objects` must exist already.
    pub secrets: Vec<SecretSpec>,
    /// Names of the migrations, in order; kept in the release record for `rollback`.
    pub migrations: Vec<String>,
}

/// Values that a person gives: environment variable → value.
pub type Given = BTreeMap<String, SecretString>;

/// A certificate with its key, as PEM.
pub struct CertifiedKey {
    /// The certificate, and its chain.
    pub certificate: String,
    /// The private key.
    pub key: SecretString,
}

/// Makes a certificate for DNS names; with the existing key when it is renewed.
pub type CertificateMaker = Arc<dyn Fn(&[String], Option<&SecretString>) -> Result<CertifiedKey, String> + Send + Sync>;

/// How to deploy.
#[derive(Clone)]
pub struct Options {
    /// Wait for each phase to become ready before the next begins.
    pub wait: bool,
    /// How long all waiting together may take.
    pub deadline: Duration,
    /// Use a namespace that exists and is not ours.
    pub adopt_namespace: bool,
    /// What to take from other field managers: `Kind/name` or a field path such as `.spec.replicas`.
    pub take_ownership: Vec<String>,
    /// Remove what the project no longer has.
    pub prune: bool,
    /// Go back to the last good release when something fails.
    pub atomic: bool,
    /// Run Jobs again that an earlier release has already completed.
    pub rerun_jobs: bool,
    /// Values for [`mainstay_manifest::Source::Given`].
    pub given: Given,
    /// Makes certificates for [`mainstay_manifest::Source::Certificate`].
    pub certificates: Option<CertificateMaker>,
    /// Who deploys, for the lock and the release record; the kubeconfig's user when absent.
    pub who: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: true,
            deadline: Duration::from_secs(600),
            adopt_namespace: false,
            take_ownership: Vec::new(),
            prune: true,
            atomic: false,
            rerun_jobs: false,
            given: Given::new(),
            certificates: None,
            who: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("wait", &self.wait)
            .field("deadline", &self.deadline)
            .field("take_ownership", &self.take_ownership)
            .field("prune", &self.prune)
            .field("atomic", &self.atomic)
            .field("given", &self.given.keys())
            .finish_non_exhaustive()
    }
}
