//! The picture as text.

use super::canvas::Canvas;
use super::cut;
use super::scene::{Card, Group, Scene};

const WIDTH: usize = 98;
const CARD: usize = 29;
const GAP: usize = 1;
const COLUMNS: usize = 3;
/// Left edge of the first card; two columns to its left are for the line of requests.
const LEFT: usize = 4;
/// Right edge of the last card.
const RIGHT: usize = LEFT + COLUMNS * CARD + (COLUMNS - 1) * GAP - 1;
const CENTRE: usize = LEFT + (RIGHT - LEFT) / 2;
const REQUESTS: usize = 2;
const SQL: usize = RIGHT + 2;

pub(super) fn draw(scene: &Scene) -> String {
    let mut canvas = Canvas::new(WIDTH);
    canvas.write(0, 0, &cut(&scene.title, WIDTH));
    canvas.write(0, 1, &cut(&scene.subtitle, WIDTH));
    let mut y = outside(&mut canvas, scene, 3);
    let top = y;
    // a line that comes in from above crosses the frame
    canvas.down(CENTRE, y - 1, y + 2);
    y += 3;
    canvas.write(CENTRE, y - 1, "▼");
    y = inside(&mut canvas, scene, y);
    canvas.rectangle(0, top, WIDTH, y - top + 1);
    canvas.write(2, top, &format!(" Namespace {} ", cut(&scene.namespace, 40)));
    if scene.guarded {
        let mark = " ◆ held by a NetworkPolicy ";
        canvas.write(WIDTH - 2 - mark.chars().count(), top, mark);
    }
    if let Some(database) = scene.database.as_ref().filter(|_| scene.database_outside) {
        y = store(&mut canvas, scene, database, y + 2, y);
    }
    for group in scene.groups.iter().filter(|group| group.away) {
        y = group_of(&mut canvas, group, y + 1);
    }
    canvas.text()
}

/// The outside world and the ways in; returns the row below.
fn outside(canvas: &mut Canvas, scene: &Scene, y: usize) -> usize {
    let below = row(canvas, std::slice::from_ref(&scene.outside), y);
    let centres = centres(scene.ways.len());
    canvas.down(CENTRE, below - 1, below);
    bus(canvas, CENTRE, &centres, below);
    for centre in &centres {
        canvas.down(*centre, below, below + 1);
        canvas.write(*centre, below + 1, "▼");
    }
    let bottom = row(canvas, &scene.ways, below + 2);
    for centre in &centres {
        canvas.down(*centre, bottom - 1, bottom);
    }
    bus(canvas, CENTRE, &centres, bottom);
    canvas.down(CENTRE, bottom, bottom + 1);
    bottom + 1
}

/// A level line that reaches all of these columns.
fn bus(canvas: &mut Canvas, from: usize, to: &[usize], y: usize) {
    for column in to {
        canvas.across(from, *column, y);
    }
}

/// Everything in the namespace; returns the row of the frame's lower edge.
fn inside(canvas: &mut Canvas, scene: &Scene, y: usize) -> usize {
    let mut trunk = None;
    let mut y = row(canvas, std::slice::from_ref(&scene.gateway), y);
    let mut above = y;
    let called = scene.apps.iter().any(|app| app.called.is_some());
    if scene.gateway.sql {
        // beside the line of requests, one row lower
        canvas.down(CENTRE + 6, y - 1, y);
        canvas.across(CENTRE + 6, SQL, y);
        trunk = Some(y);
        y += 1;
    }
    if called {
        canvas.down(CENTRE, above - 1, y);
    }
    for (index, cards) in scene.apps.chunks(COLUMNS).enumerate() {
        let places = centres(cards.len());
        let reached: Vec<usize> =
            places.iter().zip(cards).filter(|(_, c)| c.called.is_some()).map(|(x, _)| *x).collect();
        let last = index + 1 == scene.apps.len().div_ceil(COLUMNS);
        if called {
            let start = if index == 0 { CENTRE } else { REQUESTS };
            bus(canvas, start, &reached, y);
            if index > 0 {
                canvas.down(REQUESTS, above, y);
            }
            if !last {
                canvas.across(start, REQUESTS, y);
            }
            above = y;
        }
        for (place, card) in places.iter().zip(cards).filter(|(_, card)| card.called.is_some()) {
            canvas.down(*place, y, y + 1);
            canvas.write(*place, y + 1, "▼");
            canvas.write(place + 2, y + 1, card.called.as_deref().unwrap_or_default());
        }
        y = row(canvas, cards, y + 2);
        y = queries(canvas, cards, y, &mut trunk);
    }
    for cards in scene.jobs.chunks(COLUMNS) {
        y = row(canvas, cards, y);
        y = queries(canvas, cards, y, &mut trunk);
    }
    if let Some(database) = scene.database.as_ref().filter(|_| !scene.database_outside) {
        y = store(canvas, scene, database, y, trunk.unwrap_or(y));
        trunk = None;
    }
    for group in scene.groups.iter().filter(|group| !group.away) {
        y = group_of(canvas, group, y + 1);
    }
    y = names(canvas, "ConfigMaps", &scene.configs, y + 1);
    y = names(canvas, "Secrets", &scene.secrets, y);
    if let Some(from) = trunk {
        canvas.down(SQL, from, y + 2);
    }
    y
}

/// The lines from cards to the line that leads to the database; returns the row below.
fn queries(canvas: &mut Canvas, cards: &[Card], y: usize, trunk: &mut Option<usize>) -> usize {
    let mut any = false;
    for (place, _) in centres(cards.len()).iter().zip(cards).filter(|(_, card)| card.sql) {
        canvas.down(place + 6, y - 1, y);
        canvas.across(place + 6, SQL, y);
        any = true;
    }
    if !any {
        return y + 1;
    }
    match *trunk {
        Some(from) => canvas.down(SQL, from, y),
        None => *trunk = Some(y),
    }
    y + 2
}

/// The database with its volume; the line of queries comes down from row `from`.
fn store(canvas: &mut Canvas, scene: &Scene, database: &Card, y: usize, from: usize) -> usize {
    let below = row(canvas, std::slice::from_ref(database), y);
    let edge = CENTRE + CARD / 2;
    let middle = y + (below - y) / 2;
    canvas.down(SQL, from, middle);
    canvas.across(edge + 1, SQL, middle);
    canvas.write(edge + 1, middle, "◄");
    canvas.write(edge + 4, middle, " SQL ");
    if let Some(size) = &scene.volume {
        let x = LEFT;
        canvas.rectangle(x, middle - 1, 18, 3);
        canvas.write(x + 2, middle, &cut(&format!("volume {size}"), 14));
        canvas.across(x + 17, CENTRE - CARD / 2, middle);
    }
    below
}

fn group_of(canvas: &mut Canvas, group: &Group, y: usize) -> usize {
    let mut below = y + 1;
    for cards in group.cards.chunks(COLUMNS) {
        below = row(canvas, cards, below);
    }
    canvas.rectangle(LEFT - 1, y, RIGHT - LEFT + 3, below - y + 1);
    let scrapes = group.scrapes.as_ref().map(|port| format!(", metrics of all roles on {port}")).unwrap_or_default();
    canvas.write(LEFT + 1, y, &format!(" {} ", cut(&format!("{}: {}{scrapes}", group.title, group.about), 80)));
    below + 1
}

/// Names one after the other, broken between names.
fn names(canvas: &mut Canvas, title: &str, names: &[String], y: usize) -> usize {
    if names.is_empty() {
        return y;
    }
    let (mut y, mut x) = (y, LEFT + 12);
    canvas.write(LEFT, y, title);
    for (index, name) in names.iter().enumerate() {
        let comma = if index + 1 < names.len() { "," } else { "" };
        let text = format!("{}{comma}", cut(name, 60));
        let length = text.chars().count();
        if x + length > RIGHT && x > LEFT + 12 {
            y += 1;
            x = LEFT + 12;
        }
        canvas.write(x, y, &text);
        x += length + 1;
    }
    y + 1
}

/// The columns in the middle of each card of a row.
fn centres(count: usize) -> Vec<usize> {
    let width = count * CARD + count.saturating_sub(1) * GAP;
    let start = LEFT + (RIGHT + 1 - LEFT).saturating_sub(width) / 2;
    (0..count).map(|index| start + index * (CARD + GAP) + CARD / 2).collect()
}

/// A row of cards of one height; returns the row below.
fn row(canvas: &mut Canvas, cards: &[Card], y: usize) -> usize {
    let height = cards.iter().map(|card| card.lines.len()).max().unwrap_or(0) + 4;
    for (centre, card) in centres(cards.len()).into_iter().zip(cards) {
        let x = centre - CARD / 2;
        canvas.rectangle(x, y, CARD, height);
        let mark = if card.guarded { " ◆" } else { "" };
        canvas.write(x + 2, y + 1, &format!("{}{mark}", cut(&card.name, CARD - 4 - mark.chars().count())));
        canvas.write(x + 2, y + 2, &cut(&card.kind, CARD - 4));
        for (index, line) in card.lines.iter().enumerate() {
            canvas.write(x + 2, y + 3 + index, &cut(line, CARD - 4));
        }
    }
    debug_assert!(canvas.height() >= y + height, "a row of cards has been drawn");
    y + height
}
