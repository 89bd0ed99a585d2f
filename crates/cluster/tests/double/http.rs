//! The wire: addresses, selectors, pages, watches, statuses.

use super::Double;
use super::schema::{self, RESOURCES, Resource};
use super::store::{Deny, Refusal, State, refusal};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use mainstay_kernel::lifecycle::Lifecycle;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;

type Body = BoxBody<Bytes, Infallible>;

pub(crate) async fn serve(listener: tokio::net::TcpListener, double: Double, life: Lifecycle) {
    while let Ok((stream, _)) = listener.accept().await {
        let double = double.clone();
        life.spawn("connection", async move {
            let service = service_fn(move |request| answer(double.clone(), request));
            let io = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
        });
    }
}

/// An address taken apart.
struct Target {
    resource: &'static Resource,
    namespace: String,
    name: Option<String>,
    sub: Option<String>,
}

fn target(path: &str) -> Option<Target> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, version, mut rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let mut namespace = String::new();
    if let ["namespaces", name, more @ ..] = rest
        && !more.is_empty()
    {
        (*name).clone_into(&mut namespace);
        rest = more;
    }
    let plural = *rest.first()?;
    let resource = RESOURCES.iter().find(|r| r.plural == plural && r.group == group && r.version == version)?;
    let text = |at: usize| rest.get(at).map(|s| (*s).to_owned());
    Some(Target { resource, namespace, name: text(1), sub: text(2) })
}

fn reply(status: u16, body: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(body.to_string())).boxed();
    Response::builder().status(status).header("content-type", "application/json").body(body).unwrap()
}

async fn answer(double: Double, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let path = head.uri.path().to_owned();
    let query: BTreeMap<String, String> = head
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.to_owned(), percent_encoding::percent_decode_str(v).decode_utf8_lossy().into_owned()))
        .collect();
    let header = |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    {
        let mut state = double.state();
        let watch = if query.contains_key("watch") { " (watch)" } else { "" };
        let dry = if query.contains_key("dryRun") { " (dry run)" } else { "" };
        state.requests.push(format!("{} {path}{watch}{dry}", head.method));
        if let Some(fault) =
            state.faults.iter_mut().find(|f| f.times > 0 && head.method.as_str() == f.method && path.contains(f.path))
        {
            fault.times -= 1;
            let status = fault.status;
            return Ok(reply(status, &refusal(status, "Scripted", "scripted fault").1));
        }
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    if let Some(found) = fixed(&double.state(), &path, &header("accept"), &body) {
        return Ok(reply(200, &found));
    }
    let Some(target) = target(&path) else {
        return Ok(reply(404, &refusal(404, "NotFound", "the server could not find the requested resource").1));
    };
    if let Some(refused) = forbidden(&double.state(), &head.method, &target, &query) {
        return Ok(reply(403, &refused));
    }
    if target.sub.as_deref() == Some("log") {
        let state = double.state();
        let name = target.name.unwrap_or_default();
        let text =
            state.logs.iter().find(|(part, _)| name.contains(*part)).map(|(_, log)| log.clone()).unwrap_or_default();
        return Ok(Response::new(Full::new(Bytes::from(text)).boxed()));
    }
    if query.contains_key("watch") {
        return Ok(watch(&double, &target, &query));
    }
    let result = handle(&mut double.state(), &head.method, &target, &query, &header, body);
    double.announce();
    Ok(match result {
        Ok((status, body)) => reply(status, &body),
        Err(Refusal(status, body)) => reply(status, &body),
    })
}

fn forbidden(state: &State, method: &Method, target: &Target, query: &BTreeMap<String, String>) -> Option<Value> {
    let verb = match (method.as_str(), &target.name) {
        ("GET", None) if query.contains_key("watch") => "watch",
        ("GET", None) => "list",
        ("GET", Some(_)) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        _ => "delete",
    };
    let plural = target.resource.plural;
    state.denied.contains(&Deny(verb, plural)).then(|| {
        let message = format!(
            "{plural} is forbidden: User \"ann\" cannot {verb} resource \"{plural}\" in API group \"{}\"",
            target.resource.group
        );
        refusal(403, "Forbidden", &message).1
    })
}

/// Discovery, versions and reviews.
fn fixed(state: &State, path: &str, accept: &str, body: &Value) -> Option<Value> {
    let aggregated = accept.contains("APIGroupDiscoveryList") && !state.old_discovery;
    let groups: std::collections::BTreeSet<&str> = RESOURCES.iter().map(|r| r.group).collect();
    let group = |name: &str| {
        let resources: Vec<Value> = RESOURCES
            .iter()
            .filter(|r| r.group == name)
            .map(|r| {
                json!({"resource": r.plural, "scope": if r.namespaced { "Namespaced" } else { "Cluster" },
                    "responseKind": {"group": "", "version": "", "kind": r.kind}})
            })
            .collect();
        let version = RESOURCES.iter().find(|r| r.group == name).unwrap().version;
        json!({"metadata": {"name": name}, "versions": [{"version": version, "resources": resources}]})
    };
    let list = |items: Vec<Value>| json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items});
    Some(match path {
        "/version" => json!({"major": "1", "minor": state.minor, "gitVersion": format!("v1.{}.0", state.minor)}),
        "/api" if aggregated => list(vec![group("")]),
        "/apis" if aggregated => list(groups.iter().filter(|g| !g.is_empty()).map(|g| group(g)).collect()),
        "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
        "/apis" => {
            let of = |g: &&str| json!({"name": g, "versions": [{"groupVersion": version_of(g)}]});
            json!({"kind": "APIGroupList", "groups": groups.iter().filter(|g| !g.is_empty()).map(of).collect::<Vec<_>>()})
        }
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => {
            let asked = &body["spec"]["resourceAttributes"];
            let word = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
            let denied =
                state.denied.iter().any(|Deny(verb, plural)| word("verb") == *verb && word("resource") == *plural);
            json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": !denied && (word("verb") != "*" || state.denied.is_empty())}})
        }
        _ => {
            let of: Vec<&Resource> = RESOURCES
                .iter()
                .filter(|r| path == format!("/{}/{}", if r.group.is_empty() { "api" } else { "apis" }, r.api_version()))
                .collect();
            let resources: Vec<Value> =
                of.iter().map(|r| json!({"name": r.plural, "kind": r.kind, "namespaced": r.namespaced})).collect();
            json!({"kind": "APIResourceList", "groupVersion": of.first()?.api_version(), "resources": resources})
        }
    })
}

fn handle(
    state: &mut State,
    method: &Method,
    target: &Target,
    query: &BTreeMap<String, String>,
    header: &dyn Fn(&str) -> String,
    body: Value,
) -> Result<(u16, Value), Refusal> {
    let resource = target.resource;
    let namespace = target.namespace.as_str();
    let not_found = |name: &str| refusal(404, "NotFound", &format!("{} \"{name}\" not found", resource.plural));
    match (method.as_str(), target.name.as_deref()) {
        ("GET", Some(name)) => {
            state.get(resource.plural, namespace, name).cloned().map(|o| (200, o)).ok_or_else(|| not_found(name))
        }
        ("GET", None) => Ok((200, list(state, target, query, &header("accept")))),
        ("POST", _) => {
            let name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            if state.get(resource.plural, namespace, &name).is_some() {
                return Err(refusal(409, "AlreadyExists", &format!("{} \"{name}\" already exists", resource.plural)));
            }
            if resource.namespaced && state.get("namespaces", "", namespace).is_none() {
                return Err(refusal(404, "NotFound", &format!("namespaces \"{namespace}\" not found")));
            }
            Ok((201, state.create(resource, body, false)))
        }
        ("PUT", Some(name)) => {
            let live = state.get(resource.plural, namespace, name).cloned().ok_or_else(|| not_found(name))?;
            if body["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"] {
                return Err(refusal(409, "Conflict", "the object has been modified"));
            }
            state.edit(resource.plural, namespace, name, "put", "", |object| object["spec"] = body["spec"].clone());
            Ok((200, state.get(resource.plural, namespace, name).cloned().unwrap()))
        }
        ("PATCH", Some(name)) => {
            let manager = query.get("fieldManager").cloned().unwrap_or_default();
            match header("content-type").as_str() {
                "application/apply-patch+yaml" => {
                    if manager.is_empty() || query.get("fieldValidation").map(String::as_str) != Some("Strict") {
                        return Err(refusal(400, "BadRequest", "fieldManager and strict validation are expected"));
                    }
                    let is = |name: &str, value: &str| query.get(name).map(String::as_str) == Some(value);
                    let (object, new) = state.apply(
                        resource,
                        namespace,
                        name,
                        &body,
                        &manager,
                        is("force", "true"),
                        is("dryRun", "All"),
                    )?;
                    Ok((if new { 201 } else { 200 }, object))
                }
                "application/merge-patch+json" => {
                    let live = state.get(resource.plural, namespace, name).cloned().ok_or_else(|| not_found(name))?;
                    let asked = &body["metadata"]["resourceVersion"];
                    if asked.is_string() && *asked != live["metadata"]["resourceVersion"] {
                        return Err(refusal(409, "Conflict", "the object has been modified"));
                    }
                    let mut patch = body;
                    if let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) {
                        metadata.remove("resourceVersion");
                    }
                    let mut merged = live.clone();
                    merge_patch(&mut merged, &patch);
                    if let Some((_, message)) = schema::immutable(&live, &merged) {
                        return Err(refusal(422, "Invalid", &message));
                    }
                    state.edit(resource.plural, namespace, name, &manager, "", |object| *object = merged);
                    Ok((200, state.get(resource.plural, namespace, name).cloned().unwrap()))
                }
                other => Err(refusal(415, "UnsupportedMediaType", other)),
            }
        }
        ("DELETE", Some(name)) => {
            let live = state.get(resource.plural, namespace, name).cloned().ok_or_else(|| not_found(name))?;
            for field in ["uid", "resourceVersion"] {
                let asked = &body["preconditions"][field];
                if asked.is_string() && *asked != live["metadata"][field] {
                    return Err(refusal(409, "Conflict", "precondition failed"));
                }
            }
            state.delete(resource, namespace, name);
            Ok((200, json!({"kind": "Status", "status": "Success"})))
        }
        _ => Err(refusal(405, "MethodNotAllowed", "no")),
    }
}

fn merge_patch(live: &mut Value, patch: &Value) {
    match (live, patch) {
        (Value::Object(live), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    live.remove(name);
                } else {
                    merge_patch(live.entry(name.clone()).or_insert(json!({})), value);
                }
            }
        }
        (live, patch) => *live = patch.clone(),
    }
}

fn selected(object: &Value, query: &BTreeMap<String, String>) -> bool {
    let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str);
    let labels = query.get("labelSelector").map(String::as_str).unwrap_or_default();
    let fits =
        labels.split(',').filter(|s| !s.is_empty()).all(|term| match (term.split_once('='), term.strip_prefix('!')) {
            (Some((key, value)), _) => label(key) == Some(value),
            (None, Some(key)) => label(key).is_none(),
            (None, None) => label(term).is_some(),
        });
    let fields = query.get("fieldSelector").map(String::as_str).unwrap_or_default();
    fits && fields.split(',').filter(|s| !s.is_empty()).all(|term| {
        let (name, value) = term.split_once('=').unwrap();
        object[name].as_str() == Some(value)
    })
}

fn list(state: &State, target: &Target, query: &BTreeMap<String, String>, accept: &str) -> Value {
    let namespace = Some(target.namespace.as_str()).filter(|n| !n.is_empty());
    let all: Vec<&Value> =
        state.all(target.resource.plural, namespace).into_iter().filter(|o| selected(o, query)).collect();
    let begin: usize = query.get("continue").and_then(|c| c.parse().ok()).unwrap_or(0);
    let limit = query.get("limit").and_then(|l| l.parse().ok()).unwrap_or(usize::MAX).min(state.page);
    let items: Vec<Value> = all.iter().skip(begin).take(limit).map(|o| item(o, accept)).collect();
    let next = if begin + items.len() < all.len() { (begin + items.len()).to_string() } else { String::new() };
    json!({"kind": "List", "metadata": {"resourceVersion": state.version.to_string(), "continue": next}, "items": items})
}

/// Items of typed lists carry no kind, and of metadata lists nothing but metadata.
fn item(object: &Value, accept: &str) -> Value {
    if accept.contains("PartialObjectMetadataList") {
        return json!({"metadata": object["metadata"]});
    }
    let mut object = object.clone();
    let map = object.as_object_mut().unwrap();
    map.remove("kind");
    map.remove("apiVersion");
    object
}

fn watch(double: &Double, target: &Target, query: &BTreeMap<String, String>) -> Response<Body> {
    let from: u64 = query.get("resourceVersion").and_then(|v| v.parse().ok()).unwrap_or(0);
    let (plural, namespace, query) = (target.resource.plural, target.namespace.clone(), query.clone());
    let double = double.clone();
    let stream = futures_util::stream::unfold((from, 0_usize, false), move |(from, sent, over)| {
        let (double, namespace, query) = (double.clone(), namespace.clone(), query.clone());
        async move {
            if over {
                return None;
            }
            loop {
                let moved = double.moved.notified();
                {
                    let state = double.state();
                    if from < state.forgotten {
                        let gone =
                            json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}});
                        return Some((line(&gone), (from, sent, true)));
                    }
                    if state.short_watches.is_some_and(|most| sent >= most) {
                        return None;
                    }
                    let next = state.history.iter().find(|c| {
                        let inside = namespace.is_empty() || c.object["metadata"]["namespace"] == namespace.as_str();
                        c.version > from && c.plural == plural && inside && selected(&c.object, &query)
                    });
                    if let Some(change) = next {
                        let mut object = change.object.clone();
                        if change.kind == "DELETED" {
                            object["metadata"]["resourceVersion"] = change.version.to_string().into();
                        }
                        return Some((
                            line(&json!({"type": change.kind, "object": object})),
                            (change.version, sent + 1, false),
                        ));
                    }
                }
                tokio::select! {
                    () = moved => {}
                    () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
                }
            }
        }
    });
    Response::new(StreamBody::new(stream).boxed())
}

fn line(event: &Value) -> Result<Frame<Bytes>, Infallible> {
    Ok(Frame::data(Bytes::from(format!("{event}\n"))))
}

fn version_of(group: &str) -> String {
    RESOURCES.iter().find(|r| r.group == group).unwrap().api_version()
}
