//! Path, method and profile headers: which resource, and what to do with it.

use http::{HeaderMap, Method};

use crate::error::RequestError;

/// What the client wants done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Read {
        table: String,
        output: Output,
    },
    Mutate {
        table: String,
        mutation: Mutation,
    },
    Call {
        function: String,
        invocation: Invocation,
    },
    Describe {
        output: Output,
    },
    /// OPTIONS: what may be done.
    InfoTable(String),
    InfoFunction(String),
    InfoRoot,
}

/// Whether a body is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Body,
    /// HEAD
    Headers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    Insert,
    Update,
    /// PUT
    Upsert,
    Delete,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// GET and HEAD: arguments in the query string, read-only.
    Read(Output),
    /// POST: arguments in the body.
    Post,
}

/// Reads path and method.
pub(crate) fn action(path: &str, method: &Method) -> Result<Action, RequestError> {
    let segments: Vec<_> = path.split('/').filter(|s| !s.is_empty()).collect();
    match segments.as_slice() {
        [] => root_action(method),
        [table] => table_action(decode(table)?, method),
        ["rpc", function] => function_action(decode(function)?, method),
        _ => Err(RequestError::Path),
    }
}

fn decode(segment: &str) -> Result<String, RequestError> {
    let text = percent_encoding::percent_decode_str(segment).decode_utf8().map_err(|_| RequestError::Path)?;
    if text.contains('\0') { Err(RequestError::Path) } else { Ok(text.into_owned()) }
}

fn root_action(method: &Method) -> Result<Action, RequestError> {
    match *method {
        Method::GET => Ok(Action::Describe { output: Output::Body }),
        Method::HEAD => Ok(Action::Describe { output: Output::Headers }),
        Method::OPTIONS => Ok(Action::InfoRoot),
        _ => Err(RequestError::Method(method.to_string())),
    }
}

fn table_action(table: String, method: &Method) -> Result<Action, RequestError> {
    let mutate = |table, mutation| Ok(Action::Mutate { table, mutation });
    match *method {
        Method::GET => Ok(Action::Read { table, output: Output::Body }),
        Method::HEAD => Ok(Action::Read { table, output: Output::Headers }),
        Method::POST => mutate(table, Mutation::Insert),
        Method::PUT => mutate(table, Mutation::Upsert),
        Method::PATCH => mutate(table, Mutation::Update),
        Method::DELETE => mutate(table, Mutation::Delete),
        Method::OPTIONS => Ok(Action::InfoTable(table)),
        _ => Err(RequestError::Method(method.to_string())),
    }
}

fn function_action(function: String, method: &Method) -> Result<Action, RequestError> {
    let call = |function, invocation| Ok(Action::Call { function, invocation });
    match *method {
        Method::GET => call(function, Invocation::Read(Output::Body)),
        Method::HEAD => call(function, Invocation::Read(Output::Headers)),
        Method::POST => call(function, Invocation::Post),
        Method::OPTIONS => Ok(Action::InfoFunction(function)),
        _ => Err(RequestError::RpcMethod(method.to_string())),
    }
}

/// The schema a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) name: String,
    /// Answers name the schema when there was a choice.
    pub(crate) announced: Announced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announced {
    Yes,
    No,
}

/// Reads the profile header (W3C content negotiation by profile): `Accept-Profile` for reads, `Content-Profile` else.
pub(crate) fn schema(headers: &HeaderMap, method: &Method, exposed: &[String]) -> Result<Schema, RequestError> {
    let name = match *method {
        Method::POST | Method::PATCH | Method::PUT | Method::DELETE => "content-profile",
        _ => "accept-profile",
    };
    match headers.get(name) {
        Some(value) => {
            let asked = String::from_utf8_lossy(value.as_bytes()).into_owned();
            if exposed.contains(&asked) {
                Ok(Schema { name: asked, announced: Announced::Yes })
            } else {
                Err(RequestError::Schema { asked, exposed: exposed.to_vec() })
            }
        }
        None => {
            let announced = if exposed.len() > 1 { Announced::Yes } else { Announced::No };
            Ok(Schema { name: exposed.first().cloned().unwrap_or_default(), announced })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_method_choose_the_action() {
        let read = |table: &str| Action::Read { table: table.into(), output: Output::Body };
        assert_eq!(action("/books", &Method::GET), Ok(read("books")));
        assert_eq!(action("/b%C3%BCcher", &Method::GET), Ok(read("bücher")));
        assert_eq!(action("/", &Method::OPTIONS), Ok(Action::InfoRoot));
        assert_eq!(
            action("/rpc/f", &Method::POST),
            Ok(Action::Call { function: "f".into(), invocation: Invocation::Post })
        );
        assert_eq!(action("/rpc/f", &Method::DELETE), Err(RequestError::RpcMethod("DELETE".into())));
        assert_eq!(action("/books", &Method::TRACE), Err(RequestError::Method("TRACE".into())));
        assert_eq!(action("/a/b/c", &Method::GET), Err(RequestError::Path));
        assert_eq!(action("/a%00", &Method::GET), Err(RequestError::Path));
    }

    #[test]
    fn the_profile_must_be_exposed() {
        let exposed = ["public".to_owned(), "api".to_owned()];
        let mut headers = HeaderMap::new();
        headers.insert("accept-profile", http::HeaderValue::from_static("api"));
        assert_eq!(schema(&headers, &Method::GET, &exposed).map(|s| s.name), Ok("api".into()));
        assert_eq!(schema(&headers, &Method::POST, &exposed).map(|s| s.name), Ok("public".into()));
        headers.insert("accept-profile", http::HeaderValue::from_static("private"));
        assert!(schema(&headers, &Method::GET, &exposed).is_err());
    }
}
