use super::headers::{content_range, location};
use super::status::of_range;
use crate::request::query::range::Range;

#[test]
fn content_ranges_follow_the_table() {
    let cases = [
        (0, 3, None, "0-2/*"),
        (0, 3, Some(3), "0-2/3"),
        (2, 2, Some(9), "2-3/9"),
        (0, 0, None, "*/*"),
        (0, 0, Some(0), "*/0"),
        (5, 0, Some(3), "*/3"),
        (1, 0, Some(4), "*/4"),
    ];
    for (offset, page, total, expected) in cases {
        assert_eq!(content_range(offset, page, total), expected);
    }
}

#[test]
fn a_page_is_partial_only_when_counted() {
    let range = |offset| Range { offset, limit: Some(2) };
    assert_eq!(of_range(range(0), 2, None), 200);
    assert_eq!(of_range(range(0), 2, Some(5)), 206);
    assert_eq!(of_range(range(0), 2, Some(2)), 200);
    assert_eq!(of_range(range(6), 0, Some(5)), 416);
    assert_eq!(of_range(range(5), 0, Some(5)), 206);
}

#[test]
fn locations_are_encoded() {
    let key = [("id".to_owned(), "eq.a b&c".to_owned())];
    assert_eq!(location("my table", &key), "/my%20table?id=eq.a%20b%26c");
}
