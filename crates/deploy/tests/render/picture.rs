//! The pictures.

use crate::fixture;
use mainstay_deploy::System;
use mainstay_deploy::render::{picture_svg, picture_text};
use std::collections::BTreeMap;

/// `RENDER_OUT=folder cargo test -p mainstay-deploy --test render look` writes the pictures to look at.
#[test]
fn look() {
    let Some(folder) = std::env::var_os("RENDER_OUT") else { return };
    for system in fixture::all() {
        let path = std::path::Path::new(&folder).join(&system.project.name);
        std::fs::write(path.with_extension("svg"), picture_svg(&system)).unwrap();
        std::fs::write(path.with_extension("txt"), picture_text(&system)).unwrap();
    }
}

struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
}

impl Element {
    fn number(&self, name: &str) -> f64 {
        self.attributes[name].parse().unwrap()
    }

    fn class(&self) -> &str {
        self.attributes.get("class").map_or("", String::as_str)
    }
}

/// The elements of an XML text; fails when it is not well-formed.
fn elements(xml: &str) -> Vec<Element> {
    let (mut all, mut open, mut rest): (Vec<Element>, Vec<usize>, _) = (Vec::new(), Vec::new(), xml);
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>'), "a bare > in {text:?}");
        entities(text);
        if let Some(index) = open.last() {
            all[*index].text.push_str(text);
        }
        let end = start + rest[start..].find('>').expect("a tag without an end");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(all[open.pop().expect("an end without a start")].name, name);
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut map = BTreeMap::new();
        while let Some((key, after)) = attributes.trim_start().split_once("=\"") {
            let (value, after) = after.split_once('"').expect("an attribute without an end");
            entities(value);
            assert!(map.insert(key.to_owned(), value.to_owned()).is_none(), "{key} twice");
            attributes = after;
        }
        assert_eq!(attributes.trim(), "");
        all.push(Element { name: name.to_owned(), attributes: map, text: String::new() });
        if !closed {
            open.push(all.len() - 1);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty());
    all
}

fn entities(text: &str) {
    for part in text.split('&').skip(1) {
        assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|entity| part.starts_with(entity)), "{text:?}");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

type Box = (f64, f64, f64, f64);

fn boxes(all: &[Element], class: &str) -> Vec<Box> {
    let wanted = all.iter().filter(|e| e.name == "rect" && e.class() == class);
    wanted
        .map(|e| (e.number("x"), e.number("y"), e.number("x") + e.number("width"), e.number("y") + e.number("height")))
        .collect()
}

fn overlap(a: Box, b: Box) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// Where a text is, by a width that no common font exceeds.
fn place(text: &Element) -> Box {
    let letter = match text.class().split(' ').next().unwrap() {
        "heading" => 15.0,
        "name" => 9.0,
        "part" => 8.2,
        "kind" | "label" => 6.3,
        _ => 6.9,
    };
    let decoded = text.text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    #[allow(clippy::cast_precision_loss, reason = "texts are short")]
    let width = decoded.chars().count() as f64 * letter;
    let x = text.number("x") - if text.class().contains("middle") { width / 2.0 } else { 0.0 };
    (x, text.number("y") - 10.0, x + width, text.number("y") + 3.0)
}

fn check(system: &System) {
    let name = &system.project.name;
    let all = elements(&picture_svg(system));
    let (cards, groups, chips) = (boxes(&all, "card"), boxes(&all, "group"), boxes(&all, "chip"));
    let sheet = boxes(&all, "sheet")[0];
    let solid: Vec<Box> = cards.iter().chain(&chips).copied().collect();
    for (index, a) in solid.iter().enumerate() {
        assert!(a.0 >= sheet.0 && a.1 >= sheet.1 && a.2 <= sheet.2 && a.3 <= sheet.3, "{name}: {a:?} is off the sheet");
        assert!(solid[..index].iter().all(|b| !overlap(*a, *b)), "{name}: {a:?} overlaps");
    }
    for (index, a) in groups.iter().enumerate() {
        assert!(groups[..index].iter().all(|b| !overlap(*a, *b)), "{name}: groups overlap");
        for card in &cards {
            let inside = card.0 >= a.0 && card.1 >= a.1 && card.2 <= a.2 && card.3 <= a.3;
            assert!(inside || !overlap(*a, *card), "{name}: {card:?} lies across a group");
        }
    }
    let texts: Vec<(&Element, Box)> = all.iter().filter(|e| e.name == "text").map(|e| (e, place(e))).collect();
    for (index, (text, at)) in texts.iter().enumerate() {
        assert!(at.2 <= sheet.2 && at.3 <= sheet.3, "{name}: {:?} leaves the sheet", text.text);
        for card in &solid {
            let inside = at.0 >= card.0 && at.2 <= card.2 && at.1 >= card.1 && at.3 <= card.3;
            assert!(inside || !overlap(*at, *card), "{name}: {:?} lies across the edge of a box", text.text);
        }
        for (other, there) in &texts[..index] {
            assert!(!overlap(*at, *there), "{name}: {:?} lies over {:?}", text.text, other.text);
        }
    }
    for line in all.iter().filter(|e| e.name == "polyline") {
        let points: Vec<(f64, f64)> = line.attributes["points"]
            .split(' ')
            .map(|point| point.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap())
            .collect();
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            assert!((a.0 - b.0).abs() < 0.1 || (a.1 - b.1).abs() < 0.1, "{name}: a line is not straight");
            let segment = (a.0.min(b.0), a.1.min(b.1), a.0.max(b.0) + 0.1, a.1.max(b.1) + 0.1);
            for card in &solid {
                let inner = (card.0 + 0.2, card.1 + 0.2, card.2 - 0.2, card.3 - 0.2);
                assert!(!overlap(segment, inner), "{name}: a line crosses {card:?}");
            }
            for (text, at) in &texts {
                assert!(!overlap(segment, *at), "{name}: a line crosses {:?}", text.text);
            }
        }
    }
}

#[test]
fn nothing_lies_over_anything() {
    for system in fixture::all() {
        check(&system);
    }
    // rows of every length, beside every number of ways in
    for apps in 0..9 {
        check(&with_services(apps, "service"));
    }
}

fn with_services(count: usize, name: &str) -> System {
    let mut project = fixture::project("many");
    project.kubernetes.roles = vec!["gateway".to_owned(), "data".to_owned()];
    for index in 0..count {
        let service =
            mainstay_deploy::Service { image: "x:1".to_owned(), database: index % 2 == 0, ..Default::default() };
        project.services.insert(format!("{name}-{index}"), service);
    }
    System::plan(project).unwrap()
}

#[test]
fn every_component_is_in_both_pictures() {
    for system in fixture::all() {
        let (svg, text) = (picture_svg(&system), picture_text(&system));
        for component in &system.components {
            assert!(svg.contains(&format!("<title>{}</title>", component.name)), "{}", component.name);
            let begin: String = component.name.chars().take(20).collect();
            assert!(text.contains(&begin), "{} is missing:\n{text}", component.name);
        }
        assert!(svg.contains("<title id=\"title\">") && svg.contains("<desc id=\"description\">"));
        assert!(!svg.contains("http://") || svg.matches("http://").count() == 1 + svg.matches(">http://").count());
        for secret in mainstay_deploy::secrets(&system).iter().filter(|spec| !spec.keys.is_empty()) {
            assert!(text.contains(&secret.name), "{}", secret.name);
        }
    }
}

#[test]
fn lines_of_the_text_have_one_width() {
    for system in fixture::all().into_iter().chain((0..9).map(|n| with_services(n, &"long-".repeat(11)))) {
        let text = picture_text(&system);
        assert!(text.lines().all(|line| line.chars().count() == 98), "{text}");
        // no line ends in the air
        assert!(!text.contains(['╴', '╶', '╵', '╷']), "{text}");
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let mut project = fixture::project("bad");
    project.kubernetes.image = Some("</text><script>alert(1)</script>&\"'\n\u{1b}[31m".to_owned());
    project.roles.public_url = Some("https://x/?a=1&b=<2>\u{0}".to_owned());
    let system = System::plan(project).unwrap();
    let svg = picture_svg(&system);
    assert!(elements(&svg).iter().all(|element| element.name != "script"));
    let text = picture_text(&system);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(text.lines().all(|line| line.chars().count() == 98), "{text}");
}
