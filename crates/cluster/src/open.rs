//! Ways in: addresses from outside, and a port of this machine that leads to a pod.

use crate::api::{JSON, array, number, text};
use crate::discovery::Resource;
use crate::preflight::{is_true, of_project, seen};
use crate::watch::labels;
use crate::{Cluster, Error};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use k8s_openapi::api::core::v1::Pod;
use mainstay_manifest::keys;
use serde::Serialize;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// An Ingress and its controller.
    Ingress,
    /// A Service with an address of its own.
    LoadBalancer,
    /// A port of every node.
    NodePort,
}

/// Where the project answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// How.
    pub via: Via,
    /// Name of the Ingress or Service.
    pub name: String,
    /// `https://api.example.com/`; absent while no address is known.
    pub url: Option<String>,
    /// Address that the host name must lead to, or why there is none yet.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Where the project can be reached from outside, as far as the cluster knows.
///
/// # Errors
/// When Ingresses or Services may not be listed.
pub async fn addresses(cluster: &Cluster, project: &str, namespace: &str) -> Result<Vec<Entry>, Error> {
    let ours = labels(&of_project(project));
    let ingresses = Resource::core("networking.k8s.io", "v1", "Ingress", "ingresses");
    let services = Resource::core("", "v1", "Service", "services");
    let (ingresses, services) = tokio::try_join!(
        cluster.api.list(&ingresses, Some(namespace), &ours, JSON),
        cluster.api.list(&services, Some(namespace), &ours, JSON),
    )
    .map_err(|fault| fault.explain("list", "Ingress and Service", Some(namespace), ""))?;
    let mut entries: Vec<Entry> = ingresses.0.iter().flat_map(ingress).collect();
    let mut node = None;
    for service in &services.0 {
        match text(service, "/spec/type") {
            "LoadBalancer" => entries.extend(load_balancer(service)),
            "NodePort" => {
                if node.is_none() {
                    node = Some(node_address(cluster).await);
                }
                entries.extend(node_port(service, node.as_ref().and_then(Option::as_deref)));
            }
            _ => {}
        }
    }
    Ok(entries)
}

fn outside(object: &Value) -> Option<&str> {
    let first = array(object, "/status/loadBalancer/ingress").first()?;
    [text(first, "/hostname"), text(first, "/ip")].into_iter().find(|a| !a.is_empty())
}

fn ingress(object: &Value) -> Vec<Entry> {
    let address = outside(object);
    let secure: Vec<&Value> = array(object, "/spec/tls").iter().flat_map(|t| array(t, "/hosts")).collect();
    array(object, "/spec/rules")
        .iter()
        .map(|rule| {
            let host = text(rule, "/host");
            let scheme = if secure.iter().any(|h| h.as_str() == Some(host)) { "https" } else { "http" };
            let name = if host.is_empty() { address.unwrap_or_default() } else { host };
            let path = array(rule, "/http/paths").first().map_or("/", |p| text(p, "/path"));
            Entry {
                via: Via::Ingress,
                name: text(object, "/metadata/name").to_owned(),
                url: (!name.is_empty()).then(|| format!("{scheme}://{name}{path}")),
                note: match address {
                    Some(address) if !host.is_empty() => format!("{host} must lead to {address}"),
                    Some(_) => String::new(),
                    None => "no ingress controller has taken it up yet".into(),
                },
            }
        })
        .collect()
}

fn load_balancer(object: &Value) -> Vec<Entry> {
    let address = outside(object);
    let entry = |port: &Value| Entry {
        via: Via::LoadBalancer,
        name: text(object, "/metadata/name").to_owned(),
        url: address.map(|a| url(a, number(port, "/port"))),
        note: if address.is_some() {
            String::new()
        } else {
            "nothing has given it an address yet (minikube tunnel, or a cloud)".into()
        },
    };
    array(object, "/spec/ports").iter().map(entry).collect()
}

fn node_port(object: &Value, node: Option<&str>) -> Vec<Entry> {
    let entry = |port: &Value| Entry {
        via: Via::NodePort,
        name: text(object, "/metadata/name").to_owned(),
        url: node.map(|a| url(a, number(port, "/nodePort"))),
        note: if node.is_some() { String::new() } else { format!("port {} of any node", number(port, "/nodePort")) },
    };
    array(object, "/spec/ports").iter().map(entry).collect()
}

fn url(address: &str, port: i64) -> String {
    let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    match port {
        443 => format!("https://{address}/"),
        80 => format!("http://{address}/"),
        port => format!("http://{address}:{port}/"),
    }
}

async fn node_address(cluster: &Cluster) -> Option<String> {
    let resource = Resource { namespaced: false, ..Resource::core("", "v1", "Node", "nodes") };
    let nodes = seen(cluster, &resource).await?;
    let addresses: Vec<(&str, &str)> = nodes
        .iter()
        .filter(|n| is_true(n, "Ready"))
        .flat_map(|n| array(n, "/status/addresses"))
        .map(|a| (text(a, "/type"), text(a, "/address")))
        .collect();
    ["ExternalIP", "InternalIP"]
        .iter()
        .find_map(|kind| addresses.iter().find(|(k, _)| k == kind).map(|(_, address)| (*address).to_owned()))
}

/// Leads every connection to `listener` to a ready pod of a component, until it is dropped or the listener fails. `port` is a
/// container port's name or number. Connections that break are told to `told` and end; the next finds a pod again.
///
/// # Errors
/// When no pod of the component is ready at the beginning, or the port is not one of its ports.
pub async fn forward(
    cluster: &Cluster,
    project: &str,
    namespace: &str,
    component: &str,
    port: &str,
    listener: TcpListener,
    told: impl Fn(&str) + Send + Sync,
) -> Result<(), Error> {
    ready_pod(cluster, project, namespace, component, port).await?;
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.map_err(|source| Error::Io { what: "accepting a connection".into(), source })?;
                connections.push(lead(cluster, project, namespace, component, port, stream));
            }
            Some(ended) = connections.next() => if let Err(error) = ended { told(&error) },
        }
    }
}

async fn lead(
    cluster: &Cluster,
    project: &str,
    namespace: &str,
    component: &str,
    port: &str,
    mut here: TcpStream,
) -> Result<(), String> {
    let (pod, number) = ready_pod(cluster, project, namespace, component, port).await.map_err(|e| e.to_string())?;
    let pods: kube::Api<Pod> = kube::Api::namespaced(cluster.api.client().clone(), namespace);
    let mut forwarder = pods.portforward(&pod, &[number]).await.map_err(|e| cluster.api.transport(&e).to_string())?;
    let Some(mut there) = forwarder.take_stream(number) else { return Err(format!("{pod} has no port {number}")) };
    let copied = tokio::io::copy_bidirectional(&mut here, &mut there).await;
    drop(there);
    // the far side says what went wrong, such as a refused connection inside the pod
    if let Some(problem) = forwarder.take_error(number)
        && let Ok(Some(problem)) = tokio::time::timeout(std::time::Duration::from_millis(50), problem).await
    {
        return Err(format!("{pod}: {problem}"));
    }
    copied.map(|_| ()).map_err(|e| format!("{pod}: {e}"))
}

async fn ready_pod(
    cluster: &Cluster,
    project: &str,
    namespace: &str,
    component: &str,
    port: &str,
) -> Result<(String, u16), Error> {
    let resource = Resource::core("", "v1", "Pod", "pods");
    let selector = labels(&format!("{},{}={component}", of_project(project), keys::NAME));
    let (pods, _) = cluster
        .api
        .list(&resource, Some(namespace), &selector, JSON)
        .await
        .map_err(|fault| fault.explain("list", "Pod", Some(namespace), ""))?;
    let usable = |pod: &&Value| is_true(pod, "Ready") && pod.pointer("/metadata/deletionTimestamp").is_none();
    let Some(pod) = pods.iter().find(usable) else {
        return Err(Error::NotFound(format!("No pod of {component} is ready in namespace {namespace}.")));
    };
    let ports: Vec<&Value> = array(pod, "/spec/containers").iter().flat_map(|c| array(c, "/ports")).collect();
    let found = ports.iter().find(|p| text(p, "/name") == port || number(p, "/containerPort").to_string() == port);
    match found.and_then(|p| u16::try_from(number(p, "/containerPort")).ok()) {
        Some(number) => Ok((text(pod, "/metadata/name").to_owned(), number)),
        None => {
            let known: Vec<&str> = ports.iter().map(|p| text(p, "/name")).collect();
            Err(Error::NotFound(format!("{component} has no port {port}; it has {}.", known.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_are_put_together() {
        let ingress_of = json!({"metadata": {"name": "i"}, "spec": {"tls": [{"hosts": ["a.example"]}], "rules": [
            {"host": "a.example", "http": {"paths": [{"path": "/"}]}}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}}});
        let entry = &ingress(&ingress_of)[0];
        assert_eq!(
            (entry.url.as_deref(), entry.note.as_str()),
            (Some("https://a.example/"), "a.example must lead to 10.0.0.9")
        );
        let service = json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80, "nodePort": 30080}]}});
        assert_eq!(node_port(&service, Some("fd00::1"))[0].url.as_deref(), Some("http://[fd00::1]:30080/"));
        assert_eq!(load_balancer(&service)[0].url, None);
    }
}
