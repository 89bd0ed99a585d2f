//! A file as a response.

use crate::asset::{Asset, Content, Representation};
use crate::condition;
use crate::encoding::Coding;
use crate::range::{self, Wanted};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use mainstay_kernel::http::{Body, Response};
use std::io::{self, SeekFrom};
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// Bytes read from the disk at once.
const CHUNK: u64 = 64 * 1024;

/// Answers GET or HEAD for a file.
///
/// # Errors
/// When a large file cannot be opened.
pub(crate) async fn with_file(asset: &Asset, method: &Method, headers: &HeaderMap) -> io::Result<Response> {
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).filter(|_| method == Method::GET);
    let (coding, form) = choose(asset, headers, range.is_some());
    let mut response = Response::new(Body::empty());
    describe(asset, coding, form, response.headers_mut());
    let modified = asset.last_modified.as_ref().map(|(_, seconds)| *seconds);
    if condition::is_current(headers, &form.etag, modified) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let size = form.content.size();
    let wanted = match range {
        Some(range) if condition::allows_range(headers, &form.etag, modified) => range::parse(range, size),
        _ => Wanted::Whole,
    };
    let (first, count) = match wanted {
        Wanted::Whole => (0, size),
        Wanted::Part(first, last) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            insert(response.headers_mut(), header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
            (first, last - first + 1)
        }
        Wanted::Unsatisfiable => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            insert(response.headers_mut(), header::CONTENT_RANGE, format!("bytes */{size}"));
            return Ok(response);
        }
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    if method == Method::GET {
        *response.body_mut() = body(&form.content, first, count).await?;
    }
    Ok(response)
}

/// The smallest form that the client accepts. Parts are parts of the file itself.
fn choose<'a>(asset: &'a Asset, headers: &HeaderMap, wants_part: bool) -> (Option<Coding>, &'a Representation) {
    let accepted = asset.encoded.iter().find(|(coding, _)| !wants_part && coding.is_accepted(headers));
    accepted.map_or((None, &asset.plain), |(coding, form)| (Some(*coding), form))
}

fn describe(asset: &Asset, coding: Option<Coding>, form: &Representation, headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media));
    headers.insert(header::ETAG, form.etag.clone());
    headers.insert(header::CACHE_CONTROL, asset.cache_control.clone());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some((text, _)) = &asset.last_modified {
        headers.insert(header::LAST_MODIFIED, text.clone());
    }
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    if !asset.encoded.is_empty() {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

async fn body(content: &Content, first: u64, count: u64) -> io::Result<Body> {
    match content {
        Content::Memory(bytes) => {
            let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
            Ok(Body::from(bytes.slice(at(first)..at(first + count))))
        }
        Content::Disk { path, .. } => stream(path, first, count).await,
    }
}

/// Reads a file piece by piece, so that its size costs no memory.
async fn stream(path: &Path, first: u64, count: u64) -> io::Result<Body> {
    let mut file = File::open(path).await?;
    file.seek(SeekFrom::Start(first)).await?;
    let pieces = futures_util::stream::try_unfold((file, count), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        let mut piece = vec![0; usize::try_from(left.min(CHUNK)).unwrap_or(0)];
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(read);
        Ok(Some((Bytes::from(piece), (file, left - read as u64))))
    });
    Ok(Body::from_stream(pieces))
}
