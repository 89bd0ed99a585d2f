//! Pages of a list (supabase/auth: `pagination.go`).

use crate::error::Failure;
use crate::routes::input::Query;
use axum::response::Response;
use http::HeaderValue;
use http::header::LINK;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// From 1.
    pub(crate) number: u64,
    /// At most 1000.
    pub(crate) size: u64,
}

impl Page {
    pub(crate) fn parse(query: &Query) -> Result<Self, Failure> {
        let read = |name: &str, default: u64| match query.get(name).map(str::parse::<u64>) {
            None => Ok(default),
            Some(Ok(n)) if n <= 1_000_000_000 => Ok(n.max(1)),
            Some(_) => Err(Failure::invalid(format!("Bad Pagination Parameters: {name} is not a number"))),
        };
        Ok(Self { number: read("page", 1)?, size: read("per_page", 50)?.min(1000) })
    }

    pub(crate) fn offset(self) -> u64 {
        (self.number - 1) * self.size
    }

    /// Sets `X-Total-Count` and `Link`. `page` comes first in the links, because auth-js reads the first number.
    pub(crate) fn describe(self, response: &mut Response, url: &str, total: u64) {
        let last = total.div_ceil(self.size).max(1);
        let link =
            |page: u64, relation: &str| format!("<{url}?page={page}&per_page={}>; rel=\"{relation}\"", self.size);
        let mut links = Vec::new();
        if self.number < last {
            links.push(link(self.number + 1, "next"));
        }
        links.push(link(last, "last"));
        response.headers_mut().insert("x-total-count", HeaderValue::from(total));
        if let Ok(value) = HeaderValue::from_str(&links.join(", ")) {
            response.headers_mut().insert(LINK, value);
        }
    }
}
