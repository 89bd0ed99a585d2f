//! A sheet of characters on which lines join by themselves.

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// Lines and letters by column and row. It grows downwards as it is drawn on.
pub(super) struct Canvas {
    width: usize,
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    lines: u8,
    letter: Option<char>,
}

impl Canvas {
    pub(super) fn new(width: usize) -> Self {
        Self { width, rows: Vec::new() }
    }

    fn at(&mut self, x: usize, y: usize) -> &mut Cell {
        let (width, x) = (self.width, x.min(self.width - 1));
        while self.rows.len() <= y {
            self.rows.push(vec![Cell::default(); width]);
        }
        &mut self.rows[y][x]
    }

    /// A line from left to right or back, ends included.
    pub(super) fn across(&mut self, x1: usize, x2: usize, y: usize) {
        let (from, to) = (x1.min(x2), x1.max(x2));
        for x in from..to {
            self.at(x, y).lines |= RIGHT;
            self.at(x + 1, y).lines |= LEFT;
        }
    }

    /// A line downwards, ends included.
    pub(super) fn down(&mut self, x: usize, y1: usize, y2: usize) {
        for y in y1.min(y2)..y1.max(y2) {
            self.at(x, y).lines |= DOWN;
            self.at(x, y + 1).lines |= UP;
        }
    }

    pub(super) fn rectangle(&mut self, x: usize, y: usize, width: usize, height: usize) {
        let (right, bottom) = (x + width - 1, y + height - 1);
        self.across(x, right, y);
        self.across(x, right, bottom);
        self.down(x, y, bottom);
        self.down(right, y, bottom);
    }

    /// Letters hide lines.
    pub(super) fn write(&mut self, x: usize, y: usize, text: &str) {
        for (offset, letter) in text.chars().enumerate() {
            if x + offset < self.width {
                self.at(x + offset, y).letter = Some(letter);
            }
        }
    }

    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for row in &self.rows {
            out.extend(row.iter().map(|cell| cell.letter.unwrap_or_else(|| line(cell.lines))));
            out.push('\n');
        }
        out
    }
}

fn line(lines: u8) -> char {
    const CHARACTERS: [char; 16] = [' ', '╵', '╷', '│', '╴', '┘', '┐', '┤', '╶', '└', '┌', '├', '─', '┴', '┬', '┼'];
    CHARACTERS[usize::from(lines & (UP | DOWN | LEFT | RIGHT))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_join() {
        let mut canvas = Canvas::new(7);
        canvas.rectangle(0, 0, 5, 3);
        canvas.down(2, 2, 3);
        canvas.across(2, 6, 3);
        canvas.write(1, 1, "abc");
        assert_eq!(canvas.text(), "┌───┐  \n│abc│  \n└─┬─┘  \n  └───╴\n");
    }
}
