//! Following a kind: list, then watch from there; again from the list when the server has forgotten (410 Gone), the
//! connection drops or stays silent.

use crate::Error;
use crate::api::{Api, JSON, Status, encode, text};
use crate::discovery::Resource;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::Value;
use std::pin::Pin;
use std::time::Duration;

/// A watch is asked to end after this many seconds and given up a little later: a dead connection must be noticed.
const SECONDS: u64 = 50;
const SILENCE: Duration = Duration::from_secs(SECONDS + 15);

/// What is seen.
#[derive(Debug)]
pub(crate) enum Sight {
    /// Everything that there is now.
    All(Vec<Value>),
    /// One object is new or different.
    One(Value),
    /// One object is gone.
    Gone(Value),
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, kube::Error>> + Send>>;

struct Follower {
    api: Api,
    resource: Resource,
    namespace: Option<String>,
    selector: String,
    pause: Duration,
    version: String,
    open: Option<(Chunks, Vec<u8>)>,
    may_watch: bool,
    rest: bool,
}

/// Follows objects; `selector` is what is added to the query (`&labelSelector=…`).
pub(crate) fn follow(
    api: &Api,
    resource: &Resource,
    namespace: Option<&str>,
    selector: &str,
    pause: Duration,
) -> impl Stream<Item = Result<Sight, Error>> + use<> {
    let follower = Follower {
        api: api.clone(),
        resource: resource.clone(),
        namespace: namespace.map(str::to_owned),
        selector: selector.to_owned(),
        pause,
        version: String::new(),
        open: None,
        may_watch: true,
        rest: false,
    };
    stream::unfold(follower, |mut follower| async move {
        let sight = follower.next().await;
        Some((sight, follower))
    })
}

/// A label selector as part of a query.
pub(crate) fn labels(selector: &str) -> String {
    format!("&labelSelector={}", encode(selector))
}

impl Follower {
    async fn next(&mut self) -> Result<Sight, Error> {
        loop {
            if self.rest {
                self.rest = false;
                tokio::time::sleep(self.pause).await;
            }
            if self.version.is_empty() {
                let (items, version) = self
                    .api
                    .list(&self.resource, self.namespace.as_deref(), &self.selector, JSON)
                    .await
                    .map_err(|fault| fault.explain("list", &self.resource.kind, self.namespace.as_deref(), ""))?;
                if self.may_watch {
                    self.version = version;
                } else {
                    self.rest = true;
                }
                return Ok(Sight::All(items));
            }
            if self.open.is_none() {
                self.begin().await;
                continue;
            }
            if let Some(sight) = self.read().await {
                return Ok(sight);
            }
        }
    }

    async fn begin(&mut self) {
        let path = format!(
            "{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={SECONDS}&resourceVersion={}{}",
            self.resource.path(self.namespace.as_deref(), None),
            encode(&self.version),
            self.selector
        );
        match self.api.stream(&path).await {
            Ok(chunks) => self.open = Some((Box::pin(chunks), Vec::new())),
            Err(fault) => {
                // without the right to watch, looking again and again must do
                self.may_watch = fault.code() != 403;
                self.forget();
            }
        }
    }

    /// The next change, or nothing when the watch has to begin again.
    async fn read(&mut self) -> Option<Sight> {
        let (chunks, buffer) = self.open.as_mut()?;
        if let Some(end) = buffer.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            return self.line(&line);
        }
        match tokio::time::timeout(SILENCE, chunks.next()).await {
            Ok(Some(Ok(bytes))) => buffer.extend_from_slice(&bytes),
            // ended as asked: go on from the last version that was seen
            Ok(None) => {
                self.open = None;
                self.rest = true;
            }
            Ok(Some(Err(_))) | Err(_) => self.forget(),
        }
        None
    }

    fn line(&mut self, line: &[u8]) -> Option<Sight> {
        let Ok(mut event) = serde_json::from_slice::<Value>(line) else {
            self.forget();
            return None;
        };
        let kind = text(&event, "/type").to_owned();
        let object = event.get_mut("object").map(Value::take).unwrap_or_default();
        if kind == "ERROR" {
            tracing::debug!(code = Status::of(&object).code, "the watch begins again");
            self.forget();
            return None;
        }
        text(&object, "/metadata/resourceVersion").clone_into(&mut self.version);
        match kind.as_str() {
            "ADDED" | "MODIFIED" => Some(Sight::One(object)),
            "DELETED" => Some(Sight::Gone(object)),
            _ => None,
        }
    }

    fn forget(&mut self) {
        self.open = None;
        self.version.clear();
        self.rest = true;
    }
}
