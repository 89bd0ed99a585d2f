//! New secret values, and the restart that makes them count.

use crate::api::Patch;
use crate::discovery::Resource;
use crate::observe::{Event, Observer};
use crate::secrets::{Maker, Vault};
use crate::{Cluster, Desired, Error, Options};
use mainstay_manifest::Id;
use serde_json::json;
use std::time::Duration;

/// Restarts the pods of Deployments and StatefulSets, one after the other as their strategy says; after a rotation.
///
/// # Errors
/// When one may not be changed or is not there.
pub async fn restart(cluster: &Cluster, namespace: &str, workloads: &[(String, String)]) -> Result<(), Error> {
    let discovery = cluster.discovery().await?;
    let now = format!("{:.0}", cluster.clock.now());
    for (kind, name) in workloads {
        let id = Id {
            group: "apps".into(),
            version: "v1".into(),
            kind: kind.clone(),
            namespace: namespace.into(),
            name: name.clone(),
        };
        let path = discovery.of(&id)?.path(Some(namespace), Some(name));
        let body = json!({"spec": {"template": {"metadata": {"annotations": {"mainstay.dev/restarted-at": now}}}}});
        let patch = Patch::Merge { manager: "mainstay-restart" };
        cluster
            .api
            .patch(&path, &body, patch)
            .await
            .map_err(|fault| fault.explain("patch", kind, Some(namespace), name))?;
    }
    Ok(())
}

/// Removes Jobs, so that the next deployment runs them again (with [`Options::rerun_jobs`]). One that is not there is fine.
///
/// # Errors
/// When one may not be removed.
pub async fn remove_jobs(cluster: &Cluster, namespace: &str, jobs: &[String]) -> Result<(), Error> {
    let resource = Resource::core("batch", "v1", "Job", "jobs");
    for job in jobs {
        let path = resource.path(Some(namespace), Some(job));
        match cluster.api.delete(&path, &json!({"propagationPolicy": "Foreground"})).await {
            Err(fault) if !fault.is_not_found() => {
                return Err(fault.explain("delete", "Job", Some(namespace), job));
            }
            _ => {}
        }
        // what is being deleted still stands in the way of a new one of its name
        for _ in 0..60 {
            match cluster.api.get(&path).await {
                Err(fault) if fault.is_not_found() => break,
                _ => tokio::time::sleep(cluster.pace.look.min(Duration::from_millis(500))).await,
            }
        }
    }
    Ok(())
}

/// Makes generated values of Secrets anew: whole Secrets by name, or single keys as `secret/key`. What follows from them by a
/// template follows. Values that a person gives, and plain ones, stay. Returns what was made: (Secret, keys).
///
/// # Errors
/// When a name has nothing that is generated, or a Secret cannot be written.
pub async fn rotate(
    cluster: &Cluster,
    desired: &Desired,
    names: &[String],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Vec<(String, Vec<String>)>, Error> {
    let namespace = desired.namespace.as_str();
    let mut vault = Vault::default();
    for spec in &desired.secrets {
        let path = crate::secrets::resource().path(Some(namespace), Some(&spec.name));
        match cluster.api.get(&path).await {
            Ok(mut live) => vault.take_in(&mut live),
            Err(fault) if fault.is_not_found() => {}
            Err(fault) => return Err(fault.explain("get", "Secret", Some(namespace), &spec.name)),
        }
    }
    let certificates = options.certificates.as_ref();
    let maker = Maker { cluster, namespace, given: &options.given, certificates };
    let made = maker.rotate(&desired.secrets, names, &mut vault).await?;
    for (secret, keys) in &made {
        observer.event(&Event::SecretMade { secret: secret.clone(), keys: keys.clone() });
    }
    Ok(made)
}
