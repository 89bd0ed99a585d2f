//! A portal in front of a folder of its own.

use http::{HeaderMap, Method, StatusCode};
use mainstay_kernel::config::Seconds;
use mainstay_kernel::http::{Body, Request, read_body};
use mainstay_portal::{Config, Deps, PublicInfo, Room, build};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::ServiceExt as _;

/// A portal under test; its folder goes with it.
pub(crate) struct Portal {
    pub(crate) project: PathBuf,
    room: Room,
}

/// A collected answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Portal {
    pub(crate) fn new(files: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let unique = format!("mainstay-portal-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let project = std::env::temp_dir().join(unique);
        fs::create_dir_all(&project).unwrap();
        let mut config = Config { recheck: Seconds::new(0), ..Config::default() };
        change(&mut config);
        let public = PublicInfo {
            url: String::new(),
            anon_key: "sb_publishable_x".into(),
            name: "demo".into(),
            external: vec![("oidc".into(), "Company login".into())],
        };
        let room = build(&config, Deps { project: project.clone(), public }).unwrap();
        let portal = Self { project, room };
        for (name, content) in files {
            portal.write(name, content.as_bytes());
        }
        portal
    }

    /// Writes a file of the web folder.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.project.join("web").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) async fn ask(&self, method: Method, target: &str, headers: &[(&'static str, &str)]) -> Answer {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (parts, body) = self.room.router().oneshot(request).await.unwrap().into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: read_body(body, 100_000_000).await.unwrap().to_vec(),
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask(Method::GET, target, &[]).await
    }

    /// GET as a browser does when somebody follows a link.
    pub(crate) async fn visit(&self, target: &str) -> Answer {
        self.ask(Method::GET, target, &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]).await
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.project);
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
