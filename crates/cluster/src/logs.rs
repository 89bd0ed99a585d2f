//! Logs of all pods of a component, as they come.

use crate::api::{JSON, array, text};
use crate::discovery::Resource;
use crate::preflight::of_project;
use crate::watch::labels;
use crate::{Cluster, Error};
use bytes::Bytes;
use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{Stream, StreamExt as _, stream};
use mainstay_manifest::keys;
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// Longest line that is kept whole, in bytes.
const LINE: usize = 64 * 1024;

/// Which logs.
#[derive(Debug, Clone, Default)]
pub struct LogRequest {
    /// Name of the component (`gateway`); all of the project when absent.
    pub component: Option<String>,
    /// Name of the container; all when absent.
    pub container: Option<String>,
    /// Go on as lines come, also from pods that come later.
    pub follow: bool,
    /// Only what is younger than this.
    pub since: Option<Duration>,
    /// At most this many lines of each container's past.
    pub tail: Option<u32>,
    /// Of the run before the last restart.
    pub previous: bool,
}

/// One line.
#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// The line, without its end.
    pub line: String,
}

/// Hands every line to `sink`; returns at the end of the logs, or never when following. A `sink` that returns `false` ends it.
///
/// # Errors
/// When there is no such component, or its logs may not be read.
pub async fn logs(
    cluster: &Cluster,
    project: &str,
    namespace: &str,
    request: &LogRequest,
    mut sink: impl FnMut(LogLine) -> bool + Send,
) -> Result<(), Error> {
    let mut open: SelectAll<BoxStream<'static, Result<LogLine, String>>> = SelectAll::new();
    let mut known = BTreeSet::new();
    let mut begun = BTreeSet::new();
    add(cluster, project, namespace, request, &mut open, &mut known, &mut begun).await?;
    if known.is_empty() && !request.follow {
        let what = request.component.as_deref().unwrap_or(project);
        return Err(Error::NotFound(format!("There is no pod of {what} in namespace {namespace} that has a log.")));
    }
    let mut look = tokio::time::interval(cluster.pace.look);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut more = true;
    while more {
        tokio::select! {
            line = open.next(), if !open.is_empty() => match line {
                Some(Ok(line)) => more = sink(line),
                // that container's log has ended; it is taken up again when it runs again
                Some(Err(key)) => { known.remove(&key); }
                None => {}
            },
            _ = look.tick(), if request.follow => {
                add(cluster, project, namespace, request, &mut open, &mut known, &mut begun).await?;
            }
            else => return Ok(()),
        }
        if open.is_empty() && !request.follow {
            return Ok(());
        }
    }
    Ok(())
}

/// Opens the logs of containers that are not open yet.
async fn add(
    cluster: &Cluster,
    project: &str,
    namespace: &str,
    request: &LogRequest,
    open: &mut SelectAll<BoxStream<'static, Result<LogLine, String>>>,
    known: &mut BTreeSet<String>,
    begun: &mut BTreeSet<String>,
) -> Result<(), Error> {
    let mut selector = of_project(project);
    if let Some(component) = &request.component {
        selector = format!("{selector},{}={component}", keys::NAME);
    }
    let pods = Resource::core("", "v1", "Pod", "pods");
    let (items, _) = cluster
        .api
        .list(&pods, Some(namespace), &labels(&selector), JSON)
        .await
        .map_err(|fault| fault.explain("list", "Pod", Some(namespace), ""))?;
    for pod in &items {
        let name = text(pod, "/metadata/name");
        for status in array(pod, "/status/initContainerStatuses").iter().chain(array(pod, "/status/containerStatuses"))
        {
            let container = text(status, "/name");
            let running = status.pointer("/state/running").is_some();
            let key = format!("{name}/{container}");
            let has_log = running || status.pointer("/state/terminated").is_some() || request.previous;
            let wanted = request.container.as_deref().is_none_or(|c| c == container);
            // a log that was read to its end is read again only when its container runs again
            if !wanted || !has_log || known.contains(&key) || (begun.contains(&key) && !running) {
                continue;
            }
            let path = format!(
                "{}/log?container={container}{}",
                pods.path(Some(namespace), Some(name)),
                query(request, begun.contains(&key))
            );
            match cluster.api.stream(&path).await {
                Ok(chunks) => {
                    known.insert(key.clone());
                    begun.insert(key.clone());
                    let ended = stream::once(async move { Err(key) });
                    open.push(lines(chunks, name.to_owned(), container.to_owned()).map(Ok).chain(ended).boxed());
                }
                Err(fault) if matches!(fault.code(), 401 | 403) => {
                    return Err(fault.explain("get", "pods/log", Some(namespace), name));
                }
                // it has not started, or has no earlier run
                Err(_) => {}
            }
        }
    }
    Ok(())
}

fn query(request: &LogRequest, again: bool) -> String {
    let mut query = String::new();
    if request.follow {
        query.push_str("&follow=true");
    }
    if request.previous {
        query.push_str("&previous=true");
    }
    if let (Some(tail), false) = (request.tail, again) {
        query.push_str(&format!("&tailLines={tail}"));
    }
    // a container that runs again has a log of its own, but one whose stream only broke does not
    match request.since {
        _ if again => query.push_str("&sinceSeconds=5"),
        Some(since) => query.push_str(&format!("&sinceSeconds={}", since.as_secs().max(1))),
        None => {}
    }
    query
}

fn lines(
    chunks: impl Stream<Item = Result<Bytes, kube::Error>> + Send + Unpin + 'static,
    pod: String,
    container: String,
) -> impl Stream<Item = LogLine> + Send {
    let line = move |bytes: &[u8]| LogLine {
        pod: pod.clone(),
        container: container.clone(),
        line: String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned(),
    };
    stream::unfold((chunks, Vec::<u8>::new(), false), move |(mut chunks, mut buffer, mut over)| {
        let line = line.clone();
        async move {
            loop {
                let end = buffer.iter().position(|b| *b == b'\n').map(|at| at + 1);
                let end = end
                    .or((buffer.len() >= LINE).then_some(LINE))
                    .or((over && !buffer.is_empty()).then_some(buffer.len()));
                if let Some(end) = end {
                    let rest = buffer.split_off(end);
                    return Some((line(&buffer), (chunks, rest, over)));
                }
                if over {
                    return None;
                }
                match chunks.next().await {
                    Some(Ok(bytes)) => buffer.extend_from_slice(&bytes),
                    Some(Err(_)) | None => over = true,
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_put_together_from_any_chunks() {
        let chunks = ["one\ntw", "o\r\n", "", "three"].map(|t| Ok(Bytes::from_static(t.as_bytes())));
        let found: Vec<String> = lines(stream::iter(chunks), "p".into(), "c".into()).map(|l| l.line).collect().await;
        assert_eq!(found, ["one", "two", "three"]);
    }
}
