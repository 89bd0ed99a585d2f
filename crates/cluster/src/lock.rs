//! One deployment at a time: a Lease `mainstay-deploy` in the namespace (coordination.k8s.io/v1).

use crate::api::{Fault, number, text};
use crate::discovery::Resource;
use crate::{Cluster, Error};
use jiff::{SignedDuration, Timestamp};
use mainstay_manifest::keys;
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "mainstay-deploy";
/// How long the lock lives without being renewed. A deployer that dies leaves it for this long.
const SECONDS: i64 = 60;
/// Clocks of two deployers may differ by this much.
const SKEW: i64 = 5;

/// The lock, held.
pub(crate) struct Lock {
    cluster: Cluster,
    namespace: String,
    holder: String,
    project: String,
}

fn resource() -> Resource {
    Resource::core("coordination.k8s.io", "v1", "Lease", "leases")
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(crate) async fn take(cluster: &Cluster, project: &str, namespace: &str, who: &str) -> Result<Self, Error> {
        let random = crate::secrets::random_text(6)?;
        let lock = Self {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
            holder: format!("{who} ({random})"),
            project: project.to_owned(),
        };
        let api = &cluster.api;
        match api.post(&resource().path(Some(namespace), None), &lock.lease(None)).await {
            Ok(_) => return Ok(lock),
            Err(fault) if fault.code() == 409 => {}
            Err(fault) => return Err(lock.explain(fault, "create")),
        }
        let live = match api.get(&lock.path()).await {
            Ok(live) => live,
            // it went between the two looks
            Err(fault) if fault.is_not_found() => json!({}),
            Err(fault) => return Err(lock.explain(fault, "get")),
        };
        if let Some((holder, seconds)) = held(&live, cluster.clock.now())
            && holder != lock.holder
        {
            return Err(Error::Locked { holder, namespace: namespace.to_owned(), seconds });
        }
        let version = text(&live, "/metadata/resourceVersion");
        let taken = if version.is_empty() {
            api.post(&resource().path(Some(namespace), None), &lock.lease(None)).await
        } else {
            api.put(&lock.path(), &lock.lease(Some(version))).await
        };
        match taken {
            Ok(_) => Ok(lock),
            Err(fault) if fault.code() == 409 => {
                Err(Error::Locked { holder: "somebody else".into(), namespace: namespace.to_owned(), seconds: SECONDS })
            }
            Err(fault) => Err(lock.explain(fault, "update")),
        }
    }

    /// Keeps the lock alive; never returns unless it was lost to somebody else.
    pub(crate) async fn keep(&self) -> Error {
        loop {
            tokio::time::sleep(Duration::from_secs(SECONDS.unsigned_abs() / 3)).await;
            let Ok(live) = self.cluster.api.get(&self.path()).await else { continue };
            let now = self.cluster.clock.now();
            if let Some((holder, seconds)) = held(&live, now).filter(|(holder, _)| *holder != self.holder) {
                return Error::Locked { holder, namespace: self.namespace.clone(), seconds };
            }
            let lease = self.lease(Some(text(&live, "/metadata/resourceVersion")));
            if let Err(fault) = self.cluster.api.put(&self.path(), &lease).await {
                tracing::debug!(?fault, "the lock was not renewed");
            }
        }
    }

    /// Gives the lock back. A failure leaves it to expire.
    pub(crate) async fn release(self) {
        let api = &self.cluster.api;
        let Ok(live) = api.get(&self.path()).await else { return };
        if text(&live, "/spec/holderIdentity") != self.holder {
            return;
        }
        let version = text(&live, "/metadata/resourceVersion");
        let options = json!({"preconditions": {"resourceVersion": version}});
        if let Err(fault) = api.delete(&self.path(), &options).await {
            tracing::debug!(?fault, "the lock was left to expire");
        }
    }

    fn lease(&self, version: Option<&str>) -> Value {
        let now = format!("{:.6}", self.cluster.clock.now());
        let mut lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": NAME, "namespace": self.namespace, "labels": {
                keys::INSTANCE: self.project, keys::PART_OF: self.project, keys::MANAGED_BY: keys::MANAGER,
            }},
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": SECONDS,
                "acquireTime": now,
                "renewTime": now,
            },
        });
        if let Some(version) = version.filter(|v| !v.is_empty()) {
            lease["metadata"]["resourceVersion"] = version.into();
        }
        lease
    }

    fn path(&self) -> String {
        resource().path(Some(&self.namespace), Some(NAME))
    }

    fn explain(&self, fault: Fault, verb: &str) -> Error {
        fault.explain(verb, "Lease", Some(&self.namespace), NAME)
    }
}

/// Takes a lock away from whoever holds it. Only for a person who knows that nobody deploys any more.
///
/// # Errors
/// When it may not be removed.
pub async fn break_lock(cluster: &Cluster, namespace: &str) -> Result<(), Error> {
    match cluster.api.delete(&resource().path(Some(namespace), Some(NAME)), &json!({})).await {
        Err(fault) if !fault.is_not_found() => Err(fault.explain("delete", "Lease", Some(namespace), NAME)),
        _ => Ok(()),
    }
}

/// Who holds a lease and for how many seconds, unless it has run out.
fn held(lease: &Value, now: Timestamp) -> Option<(String, i64)> {
    let holder = text(lease, "/spec/holderIdentity");
    let renewed: Timestamp = text(lease, "/spec/renewTime").parse().ok()?;
    let ends = renewed.checked_add(SignedDuration::from_secs(number(lease, "/spec/leaseDurationSeconds"))).ok()?;
    let left = ends.duration_since(now).as_secs();
    (!holder.is_empty() && left > -SKEW).then(|| (holder.to_owned(), left.max(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_by_itself() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let lease = |renewed: &str, holder: &str| json!({"spec": {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 60}});
        assert_eq!(held(&lease("2026-11-21T09:59:30.000000Z", "ann"), now), Some(("ann".into(), 30)));
        assert_eq!(held(&lease("2026-11-21T09:58:00.000000Z", "ann"), now), None);
        assert_eq!(held(&lease("2026-11-21T09:59:30.000000Z", ""), now), None);
        assert_eq!(held(&lease("soon", "ann"), now), None);
    }
}
