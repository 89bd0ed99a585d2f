//! Going back to an earlier release.

use crate::deploy::{Failure, Outcome, Run};
use crate::observe::{Event, Observer};
use crate::release::{self, Release, ReleaseStatus};
use crate::{Cluster, Error, Options};

/// Goes back to an earlier release; without a number to the last good one before the current. After a deployment that
/// failed that is the one before it.
///
/// # Errors
/// When there is no such release, or the database has migrations that do not continue those of the release.
pub async fn rollback(
    cluster: &Cluster,
    namespace: &str,
    number: Option<u32>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Outcome, Failure> {
    let releases = release::history(cluster, namespace).await?;
    let good = |r: &&Release| r.status == ReleaseStatus::Deployed;
    let found = match number {
        Some(number) => releases.iter().find(|r| r.number == number),
        None => {
            let newest = releases.first();
            releases.iter().filter(good).find(|r| newest.is_some_and(|n| !good(&n) || r.hash != n.hash))
        }
    };
    let Some(found) = found else {
        let known = releases.iter().map(|r| r.number.to_string()).collect::<Vec<_>>().join(", ");
        let wanted = number.map_or_else(|| "before the current one".to_owned(), |n| n.to_string());
        return Err(Error::NoRelease { wanted, known: if known.is_empty() { "none".into() } else { known } }.into());
    };
    let record = release::load(cluster, namespace, found.number).await?;
    let mut newest = Vec::new();
    // failed releases count too: their migrations may have run
    for release in releases.iter().filter(|r| r.number > found.number) {
        let migrations = release::load(cluster, namespace, release.number).await?.migrations;
        if migrations.len() > newest.len() {
            newest = migrations;
        }
    }
    let notes = forward(found.number, &record.migrations, &newest)?;
    let desired = record.desired();
    for text in &notes {
        observer.event(&Event::Note { text: text.clone() });
    }
    let run = Run { cluster, desired: &desired, options, observer, rollback_of: Some(found.number) };
    let mut outcome = run.go().await?;
    outcome.notes.extend(notes);
    Ok(outcome)
}

/// Whether a release can live with the migrations that have run since; with what to know about it.
pub(crate) fn forward(release: u32, then: &[String], now: &[String]) -> Result<Vec<String>, Error> {
    let same = then.iter().zip(now).take_while(|(a, b)| a == b).count();
    if same < then.len().min(now.len()) {
        return Err(Error::MigrationsAhead { release, unknown: now[same..].to_vec() });
    }
    let ahead = &now[then.len().min(now.len())..];
    if ahead.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![format!("The database stays as it is: migrations are never undone ({}).", ahead.join(", "))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_may_only_lack_the_last_migrations() {
        let names = |n: &[&str]| n.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(forward(1, &names(&["a", "b"]), &names(&["a", "b"])).unwrap().len(), 0);
        assert!(forward(1, &names(&["a"]), &names(&["a", "b"])).unwrap()[0].contains("(b)"));
        assert!(matches!(forward(1, &names(&["a", "x"]), &names(&["a", "b"])), Err(Error::MigrationsAhead { .. })));
        // the newer release knew fewer: nothing ran that the older does not know
        assert_eq!(forward(1, &names(&["a", "b"]), &names(&["a"])).unwrap().len(), 0);
    }
}
