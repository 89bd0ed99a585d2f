//! Requests to the API server: bounded, timed, retried, with the server's `Status` read.

use crate::Error;
use crate::discovery::Resource;
use futures_util::Stream;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How many requests are under way at once.
pub(crate) const PARALLEL: usize = 8;
/// A list that carries metadata only (Kubernetes API concepts, "Metadata-only fetches").
pub(crate) const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
pub(crate) const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";

/// The transport and its limits. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    client: kube::Client,
    permits: Arc<Semaphore>,
    requests: Arc<AtomicU64>,
    pub(crate) server: String,
    pub(crate) limits: Limits,
}

/// Times of single requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) request: Duration,
    pub(crate) retries: u32,
    pub(crate) first_pause: Duration,
}

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

/// An answer that is no success, or none.
#[derive(Debug)]
pub(crate) enum Fault {
    Status(Box<Status>),
    Transport(Error),
}

/// The `Status` object that the server sends with a failure (meta/v1).
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// (reason, field, message) of each cause.
    pub(crate) causes: Vec<(String, String, String)>,
    retry_after: Option<u64>,
}

/// What a patch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patch {
    /// Server-side apply as this manager.
    Apply { manager: &'static str, force: bool, dry_run: bool },
    /// JSON merge patch as this manager.
    Merge { manager: &'static str },
}

// === impl Api ===

impl Default for Limits {
    fn default() -> Self {
        Self { request: Duration::from_secs(30), retries: 4, first_pause: Duration::from_millis(250) }
    }
}

impl Api {
    pub(crate) fn new(client: kube::Client, server: String, limits: Limits) -> Self {
        let permits = Arc::new(Semaphore::new(PARALLEL));
        Self { client, permits, requests: Arc::default(), server, limits }
    }

    pub(crate) fn client(&self) -> &kube::Client {
        &self.client
    }

    /// Requests sent so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Fault> {
        Ok(self.call(Method::GET, path, JSON, None).await?.body)
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Result<Value, Fault> {
        Ok(self.call(Method::GET, path, accept, None).await?.body)
    }

    /// One look without retries, for what may well be absent.
    pub(crate) async fn look(&self, path: &str) -> Result<Value, Fault> {
        Ok(self.once(&Method::GET, path, JSON, None).await?.body)
    }

    /// The plain text of an answer (logs).
    pub(crate) async fn text(&self, path: &str) -> Result<String, Fault> {
        let answer = self.raw(&Method::GET, path, "*/*", None).await?;
        Ok(String::from_utf8_lossy(&answer.1).into_owned())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        let body = body.to_string().into_bytes();
        Ok(self.call(Method::POST, path, JSON, Some((JSON, body))).await?.body)
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        let body = body.to_string().into_bytes();
        Ok(self.call(Method::PUT, path, JSON, Some((JSON, body))).await?.body)
    }

    pub(crate) async fn delete(&self, path: &str, options: &Value) -> Result<Value, Fault> {
        let body = options.to_string().into_bytes();
        Ok(self.call(Method::DELETE, path, JSON, Some((JSON, body))).await?.body)
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value, patch: Patch) -> Result<Answer, Fault> {
        let (query, kind) = match patch {
            Patch::Apply { manager, force, dry_run } => (
                format!(
                    "fieldManager={manager}&fieldValidation=Strict{}{}",
                    if force { "&force=true" } else { "" },
                    if dry_run { "&dryRun=All" } else { "" }
                ),
                APPLY,
            ),
            Patch::Merge { manager } => (format!("fieldManager={manager}"), MERGE),
        };
        // JSON is YAML: the server reads an apply patch with a YAML parser.
        let body = body.to_string().into_bytes();
        self.call(Method::PATCH, &format!("{path}?{query}"), JSON, Some((kind, body))).await
    }

    /// Lists all pages and returns the items with the list's resourceVersion. Items of typed lists carry no kind: it is
    /// filled in.
    pub(crate) async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: &str,
        accept: &str,
    ) -> Result<(Vec<Value>, String), Fault> {
        let base = format!("{}?limit=500{selector}", resource.path(namespace, None));
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let url = if next.is_empty() { base.clone() } else { format!("{base}&continue={}", encode(&next)) };
            let mut page = self.get_as(&url, accept).await?;
            if let Some(Value::Array(list)) = page.get_mut("items").map(Value::take) {
                items.extend(list.into_iter().map(|mut item| {
                    if let Value::Object(map) = &mut item {
                        map.insert("apiVersion".into(), resource.api_version().into());
                        map.insert("kind".into(), resource.kind.clone().into());
                    }
                    item
                }));
            }
            next = text(&page, "/metadata/continue").to_owned();
            if next.is_empty() {
                return Ok((items, text(&page, "/metadata/resourceVersion").to_owned()));
            }
        }
    }

    /// The body of an answer as it arrives; only the beginning of the answer is timed.
    pub(crate) async fn stream(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<bytes::Bytes, kube::Error>> + Unpin + use<>, Fault> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        // Servers from 1.37 compress watches event by event, which not every reader understands.
        let request = self.request(&Method::GET, path, JSON, None, "identity")?;
        let sent = tokio::time::timeout(self.limits.request, self.client.send(request));
        let response = match sent.await {
            Err(_) => return Err(self.timed_out(path)),
            Ok(Err(error)) => return Err(Fault::Transport(self.transport(&error))),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        if !status.is_success() {
            let body = response.into_body().collect().await.map(|b| b.to_bytes()).unwrap_or_default();
            return Err(Fault::Status(Box::new(Status::read(status, &body, None))));
        }
        Ok(Box::pin(response.into_body().into_data_stream()))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Answer, Fault> {
        let mut pause = self.limits.first_pause;
        for attempt in 0.. {
            let fault = match self.once(&method, path, accept, body.as_ref()).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let Some(asked) = fault.retry().filter(|_| attempt < self.limits.retries) else { return Err(fault) };
            tracing::debug!(%method, path = path.split('?').next(), attempt, ?fault, "trying again");
            // The server's own number counts, up to a point.
            tokio::time::sleep(asked.map_or(pause, |s| Duration::from_secs(s.min(20))).max(pause)).await;
            pause *= 2;
        }
        Err(self.timed_out(path))
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Option<&(&str, Vec<u8>)>,
    ) -> Result<Answer, Fault> {
        let (status, bytes) = self.raw(method, path, accept, body).await?;
        let body = serde_json::from_slice(&bytes).map_err(|_| {
            Fault::Transport(Error::Refused {
                what: format!("{method} {path}"),
                code: status.as_u16(),
                message: "the answer is no JSON; is this an API server?".into(),
            })
        })?;
        Ok(Answer { status, body })
    }

    async fn raw(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Option<&(&str, Vec<u8>)>,
    ) -> Result<(StatusCode, bytes::Bytes), Fault> {
        let _permit = self.permits.acquire().await;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let request = self.request(method, path, accept, body, "")?;
        let exchange = async {
            let response = self.client.send(request).await.map_err(|e| self.transport(&e))?;
            let (head, body) = response.into_parts();
            let bytes = body.collect().await.map_err(|e| self.transport(&e))?.to_bytes();
            Ok((head, bytes))
        };
        let (head, bytes) = match tokio::time::timeout(self.limits.request, exchange).await {
            Err(_) => return Err(self.timed_out(path)),
            Ok(Err(error)) => return Err(Fault::Transport(error)),
            Ok(Ok(done)) => done,
        };
        if head.status.is_success() {
            return Ok((head.status, bytes));
        }
        let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        Err(Fault::Status(Box::new(Status::read(head.status, &bytes, retry_after))))
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Option<&(&str, Vec<u8>)>,
        encoding: &'static str,
    ) -> Result<Request<Body>, Fault> {
        let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
        if !encoding.is_empty() {
            request = request.header(header::ACCEPT_ENCODING, encoding);
        }
        if let Some((kind, _)) = body {
            request = request.header(header::CONTENT_TYPE, *kind);
        }
        let bytes = body.map(|(_, bytes)| bytes.clone()).unwrap_or_default();
        request
            .body(Body::from(bytes))
            .map_err(|e| Fault::Transport(Error::Refused { what: path.to_owned(), code: 0, message: e.to_string() }))
    }

    fn timed_out(&self, path: &str) -> Fault {
        Fault::Transport(Error::Timeout {
            what: path.split('?').next().unwrap_or_default().to_owned(),
            seconds: self.limits.request.as_secs(),
        })
    }

    /// A sentence for a connection that did not work: the innermost cause says most.
    pub(crate) fn transport(&self, error: &kube::Error) -> Error {
        let mut chain = vec![error.to_string()];
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            chain.push(cause.to_string());
            source = cause.source();
        }
        let all = chain.join(": ");
        let server = self.server.clone();
        let innermost = chain.pop().unwrap_or_default();
        if matches!(error, kube::Error::Auth(_)) {
            return Error::Unauthorised(innermost);
        }
        let lower = all.to_lowercase();
        if lower.contains("certificate") || lower.contains("unknownissuer") {
            let reason = if lower.contains("expired") {
                "the certificate has expired".to_owned()
            } else if lower.contains("unknownissuer") || lower.contains("unknown issuer") {
                "its certificate is not signed by the authority in the kubeconfig".to_owned()
            } else {
                innermost
            };
            return Error::Certificate { server, reason };
        }
        Error::Unreachable { server, reason: innermost }
    }
}

// === impl Fault ===

impl Fault {
    /// `Some` when it is worth another attempt; with the seconds that the server asks for.
    fn retry(&self) -> Option<Option<u64>> {
        match self {
            Self::Transport(Error::Unreachable { .. } | Error::Timeout { .. }) => Some(None),
            Self::Transport(_) => None,
            Self::Status(status) => match status.code {
                500 if status.is_schema() => None,
                429 | 500 | 502 | 503 | 504 => Some(status.retry_after),
                // a new quota has not been counted yet; its controller does so within a second
                403 if status.message.contains("status unknown for quota") => Some(None),
                // a write of somebody else came between; conflicts of field managers have causes
                409 if status.reason == "Conflict" && status.causes.is_empty() => Some(None),
                _ => None,
            },
        }
    }

    pub(crate) fn status(&self) -> Option<&Status> {
        match self {
            Self::Status(status) => Some(status),
            Self::Transport(_) => None,
        }
    }

    pub(crate) fn code(&self) -> u16 {
        self.status().map_or(0, |status| status.code)
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == 404
    }

    /// The error that people see; `verb` as RBAC names it.
    pub(crate) fn explain(self, verb: &str, kind: &str, namespace: Option<&str>, name: &str) -> Error {
        let status = match self {
            Self::Transport(error) => return error,
            Self::Status(status) => *status,
        };
        let what = format!("{verb} {kind} {name}").trim_end().to_owned();
        match status.code {
            401 => Error::Unauthorised(status.message),
            403 if status.message.contains("being terminated") => {
                Error::NamespaceTerminating(namespace.unwrap_or_default().to_owned())
            }
            403 if status.message.contains("cannot") => Error::Forbidden {
                verb: verb.to_owned(),
                kind: kind.to_owned(),
                namespace: namespace.map(str::to_owned),
                message: status.message,
            },
            404 if namespace.is_some_and(|n| status.message.contains(&format!("namespaces \"{n}\" not found"))) => {
                Error::NamespaceMissing(namespace.unwrap_or_default().to_owned())
            }
            _ if status.is_schema() => Error::Invalid { object: format!("{kind} {name}"), message: status.message },
            400 | 422 => Error::Invalid { object: format!("{kind} {name}"), message: status.message },
            code => Error::Refused { what, code, message: status.message },
        }
    }
}

impl Status {
    pub(crate) fn read(code: StatusCode, body: &[u8], retry_after: Option<u64>) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let mut status = Self::of(&value);
        if status.message.is_empty() {
            status.message = String::from_utf8_lossy(&body[..body.len().min(300)]).trim().to_owned();
        }
        status.code = code.as_u16();
        status.retry_after = retry_after.or(status.retry_after);
        status
    }

    /// An apply patch that does not fit the kind's schema; the server calls that an internal error (500).
    fn is_schema(&self) -> bool {
        self.message.contains("failed to create typed patch object")
            || self.message.contains("field not declared in schema")
    }

    /// A `Status` object, as it also comes inside a watch.
    pub(crate) fn of(value: &Value) -> Self {
        let causes = value.pointer("/details/causes").and_then(Value::as_array);
        Self {
            code: value.get("code").and_then(Value::as_u64).and_then(|c| c.try_into().ok()).unwrap_or(0),
            reason: text(value, "/reason").to_owned(),
            message: text(value, "/message").to_owned(),
            causes: causes
                .into_iter()
                .flatten()
                .map(|c| (text(c, "/reason").into(), text(c, "/field").into(), text(c, "/message").into()))
                .collect(),
            retry_after: value.pointer("/details/retryAfterSeconds").and_then(Value::as_u64),
        }
    }
}

/// The text at a JSON pointer, or nothing.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer, or zero.
pub(crate) fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// The elements of the array at a JSON pointer.
pub(crate) fn array<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A value in a query string.
pub(crate) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
