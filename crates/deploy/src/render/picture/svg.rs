//! The picture as SVG: the path of requests from top to bottom, what watches beside it.

use super::cut;
use super::pen::{Line, Pen};
use super::scene::{Card, Group, Scene};

const MARGIN: i32 = 24;
const CARD: i32 = 232;
const GAP: i32 = 28;
/// Room beside the cards for a line that leads past them.
const LANE: i32 = 44;
/// Between rows: lines away from the upper row, and lines to the lower one with their ports.
const BETWEEN: i32 = 64;
const LINE: i32 = 17;
/// Characters that fit into a card, by a width that is no font's widest but more than text needs.
const LETTERS: usize = 31;
const NAME_LETTERS: usize = 20;
/// Where the line of queries leaves a card, right of the middle.
const ASIDE: i32 = 60;

pub(super) fn draw(scene: &Scene) -> String {
    let columns = scene.apps.len().max(scene.ways.len()).max(scene.jobs.len()).clamp(2, 3);
    let mut sheet = Sheet { pen: Pen::default(), columns: i32::try_from(columns).unwrap_or(3), trunk: None };
    let mut y = MARGIN + 26;
    sheet.pen.text("heading", (MARGIN, y), &cut(&scene.title, 44));
    sheet.pen.text("subtitle", (MARGIN, y + 22), &cut(&scene.subtitle, 84));
    y = sheet.ways(scene, y + 46);
    let top = y + 20;
    // drawn first, so that lines lie over the frame
    let mut inner = Sheet { pen: Pen::default(), columns: sheet.columns, trunk: None };
    let gateway = top + 56;
    let bottom = inner.path(scene, y, gateway);
    let aside = inner.groups(scene, gateway);
    let right = if scene.groups.is_empty() { sheet.right() + LANE } else { inner.aside() + CARD + 44 };
    // names may run on below what watches, but leave the lane of queries free for a database outside
    let wide = aside < bottom && !scene.database_outside;
    let bottom = inner.names(scene, bottom + 26, if wide { right - 24 } else { inner.right() }).max(aside) + 20;
    sheet.frame(scene, top, right, bottom);
    let mut y = bottom;
    for group in scene.groups.iter().filter(|group| group.away && group.scrapes.is_none()) {
        y = inner.group(group, inner.aside(), bottom + 24);
    }
    inner.operator(scene, top, gateway);
    if let Some(database) = scene.database.as_ref().filter(|_| scene.database_outside) {
        y = inner.store(scene, database, bottom + 40).max(y);
    }
    y = inner.legend(scene, y + 36);
    sheet.pen.append(inner.pen);
    sheet.pen.finish(right + MARGIN, y + MARGIN, &format!("{} on Kubernetes", scene.title), &description(scene))
}

/// The picture in words, for those who do not see it.
fn description(scene: &Scene) -> String {
    let names = |cards: &[Card]| cards.iter().map(|card| card.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "Requests come through {} to {} in the namespace {}",
        names(&scene.ways),
        scene.gateway.name,
        scene.namespace
    );
    if !scene.apps.is_empty() {
        text.push_str(&format!(", which calls {}", names(&scene.apps)));
    }
    if let Some(database) = &scene.database {
        text.push_str(&format!(". Data is in {}", database.name));
    }
    if !scene.jobs.is_empty() {
        text.push_str(&format!(". Jobs: {}", names(&scene.jobs)));
    }
    for group in &scene.groups {
        text.push_str(&format!(". {}: {}", group.title, names(&group.cards)));
    }
    text + "."
}

/// A pen that knows the columns.
struct Sheet {
    pen: Pen,
    columns: i32,
    /// Row from which the line of queries comes down.
    trunk: Option<i32>,
}

impl Sheet {
    fn left(&self) -> i32 {
        MARGIN + LANE
    }

    /// Right edge of the last column.
    fn right(&self) -> i32 {
        self.left() + self.columns * CARD + (self.columns - 1) * GAP
    }

    fn centre(&self) -> i32 {
        i32::midpoint(self.left(), self.right())
    }

    fn request_lane(&self) -> i32 {
        self.left() - LANE / 2
    }

    fn query_lane(&self) -> i32 {
        self.right() + LANE / 2
    }

    /// The middles of the cards of a row.
    fn centres(&self, count: usize) -> Vec<i32> {
        let count = i32::try_from(count).unwrap_or(1);
        let start = self.centre() - (count * CARD + (count - 1) * GAP) / 2 + CARD / 2;
        (0..count).map(|index| start + index * (CARD + GAP)).collect()
    }

    /// A row of cards of one height; returns its lower edge.
    fn row(&mut self, cards: &[Card], y: i32) -> i32 {
        let height = cards.iter().map(height).max().unwrap_or(0);
        for (centre, card) in self.centres(cards.len()).into_iter().zip(cards) {
            self.card(card, centre - CARD / 2, y, height);
        }
        y + height
    }

    fn card(&mut self, card: &Card, x: i32, y: i32, height: i32) {
        self.pen.open(&card.name);
        if card.many {
            self.pen.rectangle("behind", (x + 6, y - behind(card)), (CARD, height), 8);
        }
        self.pen.rectangle("card", (x, y), (CARD, height), 8);
        self.pen.rectangle(&format!("bar {}", card.tone.class()), (x + 7, y + 9), (4, height - 18), 2);
        self.pen.text("name", (x + 20, y + 23), &cut(&card.name, NAME_LETTERS));
        self.pen.text("kind", (x + 20, y + 39), &cut(&card.kind, LETTERS));
        for (line, place) in card.lines.iter().zip(0..) {
            self.pen.text("fact", (x + 20, y + 60 + place * LINE), &cut(line, LETTERS));
        }
        if card.guarded {
            self.pen.shield((x + CARD - 17, y + 10));
        }
        self.pen.close();
    }

    /// A level line with an arrow down to each of the cards below it.
    fn distribute(&mut self, from: (i32, i32), level: i32, to: &[(i32, &Card)], y: i32) {
        for (x, card) in to {
            let mut points = vec![from, (from.0, level), (*x, level), (*x, y - behind(card))];
            points.dedup();
            self.pen.line(Line::Request, &points, true);
            if let Some(port) = &card.called {
                self.pen.text("label", (x + 8, y - 10), port);
            }
        }
    }

    /// The outside world and the ways in; returns the lower edge.
    fn ways(&mut self, scene: &Scene, y: i32) -> i32 {
        let below = self.row(std::slice::from_ref(&scene.outside), y);
        let to: Vec<_> = self.centres(scene.ways.len()).into_iter().zip(&scene.ways).collect();
        self.distribute((self.centre(), below), below + 18, &to, below + 40);
        self.row(&scene.ways, below + 40)
    }

    /// From the ways in to the database; returns the lower edge.
    fn path(&mut self, scene: &Scene, ways: i32, y: i32) -> i32 {
        let centre = self.centre();
        for x in self.centres(scene.ways.len()) {
            let mut points = vec![(x, ways), (x, ways + 38), (centre, ways + 38), (centre, y - behind(&scene.gateway))];
            points.dedup();
            self.pen.line(Line::Request, &points, x == centre || scene.ways.len().is_multiple_of(2));
        }
        let mut below = self.row(std::slice::from_ref(&scene.gateway), y);
        if let Some(port) = scene.groups.iter().filter(|group| !group.away).find_map(|group| group.scrapes.as_ref()) {
            self.scrape(&[(self.aside() - 18, y + 30)], y + 30, port);
        }
        self.queries(std::slice::from_ref(&scene.gateway), below);
        let mut start = (centre, below);
        for (index, cards) in scene.apps.chunks(usize::try_from(self.columns).unwrap_or(3)).enumerate() {
            let y = below + BETWEEN;
            let places = self.centres(cards.len()).into_iter().zip(cards);
            let to: Vec<_> = places.filter(|(_, card)| card.called.is_some()).collect();
            let level = y - 26;
            if index > 0 {
                // past the row above
                let lane = self.request_lane();
                if !to.is_empty() {
                    self.pen.line(Line::Request, &[start, (lane, start.1), (lane, level)], false);
                }
                self.distribute((lane, level), level, &to, y);
                start = (lane, level);
            } else {
                self.distribute((centre, below), level, &to, y);
                start = (centre, level);
            }
            below = self.row(cards, y);
            self.queries(cards, below);
        }
        for cards in scene.jobs.chunks(usize::try_from(self.columns).unwrap_or(3)) {
            below = self.row(cards, below + BETWEEN - 14);
            self.queries(cards, below);
        }
        if let Some(database) = scene.database.as_ref().filter(|_| !scene.database_outside) {
            below = self.store(scene, database, below + BETWEEN - 14);
        }
        below
    }

    /// Lines from cards to the lane that leads to the database.
    fn queries(&mut self, cards: &[Card], below: i32) {
        let lane = self.query_lane();
        for (centre, _) in self.centres(cards.len()).into_iter().zip(cards).filter(|(_, card)| card.sql) {
            let level = below + 16;
            self.pen.line(Line::Sql, &[(centre + ASIDE, below), (centre + ASIDE, level), (lane, level)], false);
            self.trunk.get_or_insert(level);
        }
    }

    fn store(&mut self, scene: &Scene, database: &Card, y: i32) -> i32 {
        let below = self.row(std::slice::from_ref(database), y);
        let (middle, centre, lane) = (i32::midpoint(y, below), self.centre(), self.query_lane());
        if let Some(from) = self.trunk {
            self.pen.line(Line::Sql, &[(lane, from), (lane, middle), (centre + CARD / 2 + 8, middle)], true);
            self.pen.text("label", (centre + CARD / 2 + 18, middle - 7), "SQL");
        }
        if let Some(size) = &scene.volume {
            let x = centre - CARD / 2 - 40 - 90;
            self.pen.line(Line::Sql, &[(centre - CARD / 2, middle), (x + 90, middle)], false);
            self.pen.drum((x, middle - 34), (90, 68));
            self.pen.text("fact middle", (x + 45, middle + 2), "volume");
            self.pen.text("fact middle", (x + 45, middle + 18), &cut(size, 12));
        }
        below
    }

    /// Left edge of the column of what watches.
    fn aside(&self) -> i32 {
        self.right() + LANE + 40
    }

    /// The line of metrics to the gateway's right edge.
    fn scrape(&mut self, from: &[(i32, i32)], level: i32, port: &str) {
        let edge = self.centre() + CARD / 2 + 8;
        let points: Vec<_> = from.iter().copied().chain([(edge, level)]).collect();
        self.pen.line(Line::Metrics, &points, true);
        self.pen.text("label", (edge + 8, level - 7), &format!("metrics {port}"));
    }

    /// A Prometheus that is there already, above the namespace's frame.
    fn operator(&mut self, scene: &Scene, top: i32, gateway: i32) {
        let Some((group, port)) =
            scene.groups.iter().filter(|group| group.away).find_map(|group| Some((group, group.scrapes.as_ref()?)))
        else {
            return;
        };
        let tall: i32 = group.cards.iter().map(|card| height(card) + 18).sum::<i32>() + 52;
        let (x, y, level) = (self.aside(), top - 20 - tall, gateway + 30);
        self.group(group, x, y);
        let lane = x - 30;
        let middle = y + tall / 2;
        self.scrape(&[(x - 18, middle), (lane, middle), (lane, level)], level, port);
    }

    /// What watches, in a column beside the path; returns the lower edge.
    fn groups(&mut self, scene: &Scene, y: i32) -> i32 {
        let x = self.aside();
        let mut y = y - 18;
        for group in scene.groups.iter().filter(|group| !group.away) {
            y = self.group(group, x, y) + 24;
        }
        y
    }

    fn group(&mut self, group: &Group, x: i32, y: i32) -> i32 {
        let mut below = y + 52;
        for card in &group.cards {
            let height = height(card);
            self.card(card, x, below, height);
            below += height + 18;
        }
        self.pen.rectangle("group", (x - 18, y), (CARD + 42, below - y), 10);
        self.pen.text("part", (x, y + 22), &cut(&group.title, 30));
        self.pen.text("small", (x, y + 38), &cut(&group.about, LETTERS));
        below
    }

    /// Names of ConfigMaps and Secrets as chips; returns the lower edge.
    fn names(&mut self, scene: &Scene, y: i32, right: i32) -> i32 {
        let mut y = y;
        for (title, names) in [("ConfigMaps", &scene.configs), ("Secrets", &scene.secrets)] {
            if names.is_empty() {
                continue;
            }
            self.pen.text("part", (self.left(), y + 16), title);
            let start = self.left() + 96;
            let mut x = start;
            for name in names {
                let name = cut(name, 40);
                let width = i32::try_from(name.chars().count()).unwrap_or(0) * 7 + 20;
                if x + width > right && x > start {
                    x = start;
                    y += 32;
                }
                self.pen.rectangle("chip", (x, y), (width, 24), 12);
                self.pen.text("fact middle", (x + width / 2, y + 16), &name);
                x += width + 8;
            }
            y += 36;
        }
        y
    }

    fn frame(&mut self, scene: &Scene, top: i32, right: i32, bottom: i32) {
        self.pen.rectangle("frame", (MARGIN, top), (right - MARGIN, bottom - top), 14);
        self.pen.text("part", (MARGIN + 20, top + 28), &format!("Namespace {}", cut(&scene.namespace, 30)));
    }

    fn legend(&mut self, scene: &Scene, y: i32) -> i32 {
        let mut x = MARGIN;
        let mut lines = vec![(Line::Request, "requests")];
        if scene.database.is_some() {
            lines.push((Line::Sql, "SQL"));
        }
        if scene.groups.iter().any(|group| group.scrapes.is_some()) {
            lines.push((Line::Metrics, "metrics of all roles"));
        }
        for (line, about) in lines {
            self.pen.line(line, &[(x, y), (x + 30, y)], true);
            self.pen.text("small", (x + 38, y + 4), about);
            x += 62 + i32::try_from(about.len()).unwrap_or(0) * 7;
        }
        if scene.guarded {
            self.pen.shield((x + 6, y - 8));
            self.pen.text("small", (x + 20, y + 4), "connections held by a NetworkPolicy");
        }
        y
    }
}

/// How far the card of a further pod looks out above a card.
fn behind(card: &Card) -> i32 {
    if card.many { 6 } else { 0 }
}

fn height(card: &Card) -> i32 {
    let lines = i32::try_from(card.lines.len()).unwrap_or(0);
    if lines == 0 { 52 } else { 52 + lines * LINE + 6 }
}
