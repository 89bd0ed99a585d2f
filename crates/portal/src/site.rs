//! Which answer a path gets.

use crate::error::{Error, accepts_html};
use crate::files::{Files, Found};
use crate::info::PublicInfo;
use crate::path::{Kind, SitePath};
use crate::{pages, respond};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use mainstay_kernel::http::{Body, Request, Response, Scheme, bytes};
use std::io;

/// The document of the root, and of every navigation of a single-page application.
const INDEX: &str = "index.html";
/// The project's own page for missing files.
const NOT_FOUND_PAGE: &str = "404.html";

/// What a navigation to a path without a file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// The application, which knows its own paths.
    Application,
    /// 404.
    NotFound,
}

/// The project's pages.
pub(crate) struct Site {
    pub(crate) files: Files,
    pub(crate) info: PublicInfo,
    pub(crate) fallback: Fallback,
    pub(crate) web_dir: String,
}

impl Site {
    /// Answers any request.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let (parts, _) = request.into_parts();
        let mut response = match parts.method {
            Method::GET | Method::HEAD => self.page(&parts).await.unwrap_or_else(|error| {
                tracing::error!(%error, path = parts.uri.path(), "a file of the web folder could not be read");
                Error::Unreadable.respond(&parts.headers)
            }),
            Method::OPTIONS => options(),
            _ => Error::MethodNotAllowed.respond(&parts.headers),
        };
        if parts.method == Method::HEAD {
            without_body(&mut response);
        }
        response
    }

    async fn page(&self, parts: &Parts) -> io::Result<Response> {
        let scheme = parts.extensions.get::<Scheme>().copied().unwrap_or(Scheme::Http);
        match parts.uri.path() {
            "/mainstay.json" => return Ok(self.info.respond(&parts.headers, scheme)),
            "/_/style.css" => return Ok(style()),
            _ => {}
        }
        let Some(path) = SitePath::parse(parts.uri.path()) else { return self.missing(parts).await };
        match self.resolve(&path).await? {
            Resolved::File(found) => respond::with_file(&found, &parts.method, &parts.headers).await,
            Resolved::AddSlash => Ok(add_slash(&parts.uri)),
            Resolved::Nothing if path.relative().is_empty() && !self.files.exist().await => {
                let url = self.info.url_for(&parts.headers, scheme);
                Ok(uncached(bytes(StatusCode::OK, pages::HTML, pages::welcome(&self.info, &url, &self.web_dir))))
            }
            Resolved::Nothing => self.missing(parts).await,
        }
    }

    /// `/a` is the file `a`, else `a.html`; `/a/` is `a/index.html`, and `/a` leads there when `a` is a folder with one.
    async fn resolve(&self, path: &SitePath) -> io::Result<Resolved> {
        if path.kind() == Kind::Folder {
            return Ok(self.files.find(&path.index()).await?.into());
        }
        match self.files.find(path.relative()).await? {
            Found::File(asset) => Ok(Resolved::File(asset)),
            Found::Folder => match self.files.find(&path.index()).await? {
                Found::File(_) => Ok(Resolved::AddSlash),
                Found::Folder | Found::Nothing => Ok(Resolved::Nothing),
            },
            Found::Nothing if !path.name().contains('.') => {
                Ok(self.files.find(&format!("{}.html", path.relative())).await?.into())
            }
            Found::Nothing => Ok(Resolved::Nothing),
        }
    }

    /// Nothing answers the path: the application, the project's own page or the built-in one.
    async fn missing(&self, parts: &Parts) -> io::Result<Response> {
        let is_navigation = accepts_html(&parts.headers);
        if is_navigation
            && self.fallback == Fallback::Application
            && let Found::File(asset) = self.files.find(INDEX).await?
        {
            return respond::with_file(&asset, &parts.method, &parts.headers).await;
        }
        if is_navigation && let Found::File(asset) = self.files.find(NOT_FOUND_PAGE).await? {
            // neither validators nor ranges: this is not the file that was asked for
            let mut response = respond::with_file(&asset, &parts.method, &HeaderMap::new()).await?;
            *response.status_mut() = StatusCode::NOT_FOUND;
            return Ok(response);
        }
        Ok(Error::NotFound.respond(&parts.headers))
    }
}

enum Resolved {
    File(std::sync::Arc<crate::asset::Asset>),
    /// The folder is meant, and relative links in its document need the slash.
    AddSlash,
    Nothing,
}

impl From<Found> for Resolved {
    fn from(found: Found) -> Self {
        match found {
            Found::File(asset) => Self::File(asset),
            Found::Folder | Found::Nothing => Self::Nothing,
        }
    }
}

/// A relative redirect, so that no host is named. `./` keeps a name with a colon from being read as a scheme.
fn add_slash(uri: &Uri) -> Response {
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    if let Ok(location) = HeaderValue::try_from(format!("./{last}/{query}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    uncached(response)
}

fn options() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    response
}

fn style() -> Response {
    uncached(bytes(StatusCode::OK, "text/css; charset=utf-8", pages::STYLE))
}

fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// HEAD says the length of what GET would send (RFC 9110, 9.3.2).
fn without_body(response: &mut Response) {
    let body = std::mem::take(response.body_mut());
    if !response.headers().contains_key(header::CONTENT_LENGTH)
        && let Some(size) = http_body::Body::size_hint(&body).exact()
    {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    }
}
