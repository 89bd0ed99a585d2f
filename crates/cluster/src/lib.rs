//! What is said to a Kubernetes cluster: compare, apply, wait, remove, look. A room: it prints nothing and reads no settings;
//! the binary hands it the desired objects and an [`Observer`].
//!
//! ```no_run
//! # use mainstay_cluster::*;
//! # use mainstay_kernel::clock::SystemClock;
//! # async fn flow(desired: Desired) -> Result<(), Box<dyn std::error::Error>> {
//! let cluster = connect(Some("minikube"), None, SystemClock::shared()).await?; // nothing is sent yet
//! let origin = cluster.origin();                                      // context, server and user, to be confirmed
//! let found = preflight(&cluster, &desired).await?;                   // doctor: what is missing, what does nothing without it
//! let options = Options { atomic: true, ..Options::default() };
//! let plan = plan(&cluster, &desired, &options).await?;               // diff: the server's dry run; exit 1 if plan.changes()
//! let tell = |event: &Event| { /* a line, or serde_json::to_string(event) */ };
//! match deploy(&cluster, &desired, &options, &tell).await {
//!     Ok(outcome) => { /* outcome.changed(), outcome.release, outcome.notes */ }
//!     Err(failure) => { /* failure.error.code(), .remedy(), failure.rolled_back_to */ }
//! }
//! # let (_, _, _) = (origin, found, plan);
//! # Ok(()) }
//! ```
//!
//! How a deployment goes: discovery; the namespace; the lock (a Lease); the set's parent (ApplySet, KEP-3659) and the release
//! records; one list per kind; then phase by phase one server-side apply per object, secrets, waiting; pruning; the
//! release record. Field manager `mainstay` never forces: what others own is a [`Error::Conflict`].
//!
//! Files: `api` is the only one that sends; `readiness`, `diagnose`, `compare`, `conflict`, `path`, `kinds` and `certificate`
//! are pure. Tests run against a double of the API server in `tests/double`, and on a real cluster with
//! `MAINSTAY_TEST_KUBECONFIG`.

mod api;
mod applyset;
mod capability;
mod certificate;
mod compare;
mod conflict;
mod connect;
mod container;
mod deploy;
mod desired;
mod diagnose;
mod discovery;
mod error;
mod kinds;
mod lock;
mod logs;
mod members;
mod observe;
mod open;
mod patch;
mod path;
mod plan;
mod preflight;
mod prune;
mod readiness;
mod release;
mod rollback;
mod rotate;
mod secrets;
mod status;
mod wait;
mod watch;

pub use compare::FieldChange;
pub use conflict::{Conflict, ConflictReport};
pub use connect::{Cluster, Origin, Pace, connect};
pub use deploy::{Failure, Outcome, deploy};
pub use desired::{CertificateMaker, CertifiedKey, Desired, Given, Options};
pub use diagnose::Trouble;
pub use error::{ERRORS, Error};
pub use lock::break_lock;
pub use logs::{LogLine, LogRequest, logs};
pub use observe::{Applied, Change, Event, Observer, Silent};
pub use open::{Entry, Via, addresses, forward};
pub use plan::{Action, Plan, PlanItem, plan};
pub use preflight::{Finding, NEWEST_MINOR, OLDEST_MINOR, Preflight, Severity, preflight, require_version};
pub use prune::{Data, destroy};
pub use release::{Release, ReleaseStatus, history};
pub use rollback::rollback;
pub use rotate::{remove_jobs, restart, rotate};
pub use status::{Autoscaler, CertificateEnd, Drift, Status, Volume, Workload, status};
