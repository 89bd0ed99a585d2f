use crate::setup::Portal;
use http::{Method, StatusCode};
use mainstay_kernel::config::Seconds;
use std::fs;

#[tokio::test]
async fn files_have_type_validators_and_caching() {
    let portal = Portal::new(&[("index.html", "<p>hi"), ("js/app.3f9a1c42.js", "1")], |_| {});
    let page = portal.get("/").await;
    assert_eq!((page.status, page.text().as_str()), (StatusCode::OK, "<p>hi"));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");
    assert!(page.header("etag").starts_with('"') && page.header("last-modified").ends_with("GMT"));
    let script = portal.get("/js/app.3f9a1c42.js").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn copies_are_confirmed_with_304() {
    let portal = Portal::new(&[("a.txt", "hello")], |_| {});
    let first = portal.get("/a.txt").await;
    for (name, value) in [("if-none-match", first.header("etag")), ("if-modified-since", first.header("last-modified"))]
    {
        let again = portal.ask(Method::GET, "/a.txt", &[(name, value)]).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{name}");
        assert_eq!(again.header("etag"), first.header("etag"));
    }
    let other = portal.ask(Method::GET, "/a.txt", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn a_changed_file_is_noticed() {
    let portal = Portal::new(&[("a.txt", "one")], |_| {});
    let before = portal.get("/a.txt").await;
    portal.write("a.txt", b"three");
    let after = portal.get("/a.txt").await;
    assert_eq!(after.text(), "three");
    assert_ne!(before.header("etag"), after.header("etag"));
    fs::remove_file(portal.project.join("web/a.txt")).unwrap();
    assert_eq!(portal.get("/a.txt").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_hot_file_is_served_without_the_disk() {
    let portal = Portal::new(&[("a.txt", "one")], |config| config.recheck = Seconds::new(3600));
    portal.get("/a.txt").await;
    fs::remove_file(portal.project.join("web/a.txt")).unwrap();
    assert_eq!(portal.get("/a.txt").await.text(), "one");
}

#[tokio::test]
async fn head_tells_what_get_would_send() {
    let portal = Portal::new(&[("a.txt", "hello")], |_| {});
    let head = portal.ask(Method::HEAD, "/a.txt", &[]).await;
    assert_eq!((head.header("content-length"), head.body.len()), ("5", 0));
    let settings = portal.ask(Method::HEAD, "/mainstay.json", &[]).await;
    assert!(settings.header("content-length").parse::<usize>().unwrap() > 10 && settings.body.is_empty());
}

#[tokio::test]
async fn parts_of_small_and_large_files() {
    let portal = Portal::new(&[("small.txt", "0123456789")], |_| {});
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    portal.write("large.mp4", &large);
    let part = portal.ask(Method::GET, "/small.txt", &[("range", "bytes=2-4"), ("accept-encoding", "gzip")]).await;
    assert_eq!((part.status, part.text().as_str()), (StatusCode::PARTIAL_CONTENT, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let part = portal.ask(Method::GET, "/large.mp4", &[("range", "bytes=1500000-1700000")]).await;
    assert_eq!((part.status, part.header("content-length")), (StatusCode::PARTIAL_CONTENT, "200001"));
    assert!(part.body == large[1_500_000..=1_700_000]);
    assert!(portal.get("/large.mp4").await.body == large);
    let outside = portal.ask(Method::GET, "/small.txt", &[("range", "bytes=50-")]).await;
    assert_eq!((outside.status, outside.header("content-range")), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */10"));
    let changed = portal.ask(Method::GET, "/small.txt", &[("range", "bytes=2-4"), ("if-range", "\"old\"")]).await;
    assert_eq!((changed.status, changed.text().as_str()), (StatusCode::OK, "0123456789"));
}

#[tokio::test]
async fn texts_are_compressed_once_and_tagged_apart() {
    let text = "body { color: red } ".repeat(200);
    let portal = Portal::new(&[("a.css", &text), ("tiny.css", "a{}")], |_| {});
    let plain = portal.get("/a.css").await;
    let packed = portal.ask(Method::GET, "/a.css", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), ("", "gzip"));
    assert!(packed.body.len() < plain.body.len() / 5);
    assert_ne!(plain.header("etag"), packed.header("etag"));
    assert_eq!((plain.header("vary"), packed.header("vary")), ("accept-encoding", "accept-encoding"));
    let tiny = portal.ask(Method::GET, "/tiny.css", &[("accept-encoding", "gzip")]).await;
    assert_eq!(tiny.header("content-encoding"), "");
}

#[tokio::test]
async fn files_compressed_beforehand_are_used_unless_stale() {
    let portal = Portal::new(&[("a.js", "let a;"), ("a.js.br", "BR"), ("a.js.gz", "GZIP"), ("b.js.gz", "OLD")], |_| {});
    let ask = async |target: &str, accept: &str| {
        let answer = portal.ask(Method::GET, target, &[("accept-encoding", accept)]).await;
        (answer.header("content-encoding").to_owned(), answer.text())
    };
    assert_eq!(ask("/a.js", "gzip, br").await, ("br".into(), "BR".into()));
    assert_eq!(ask("/a.js", "gzip").await, ("gzip".into(), "GZIP".into()));
    assert_eq!(ask("/a.js", "deflate").await, (String::new(), "let a;".into()));
    portal.write("b.js", b"new");
    let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_000_000_000);
    fs::File::options().write(true).open(portal.project.join("web/b.js")).unwrap().set_modified(later).unwrap();
    assert_eq!(ask("/b.js", "gzip").await, (String::new(), "new".into()));
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let portal = Portal::new(&[("index.html", "x"), (".env", "SECRET"), (".well-known/security.txt", "mail")], |_| {});
    fs::write(portal.project.join("secret.txt"), "SECRET").unwrap();
    let web = portal.project.join("web");
    std::os::unix::fs::symlink("../secret.txt", web.join("link.txt")).unwrap();
    std::os::unix::fs::symlink(&portal.project, web.join("up")).unwrap();
    std::os::unix::fs::symlink(".env", web.join("env.txt")).unwrap();
    std::os::unix::fs::symlink("index.html", web.join("inside.html")).unwrap();
    for target in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/link.txt",
        "/up/secret.txt",
        "/env.txt",
        "/.env",
        "/%2eenv",
        "/a%00",
        "/..%5csecret.txt",
        "//etc/passwd",
    ] {
        let answer = portal.get(target).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{target}");
        assert!(!answer.text().contains("SECRET"), "{target}");
    }
    assert_eq!(portal.get("/inside.html").await.text(), "x");
    assert_eq!(portal.get("/.well-known/security.txt").await.text(), "mail");
}
