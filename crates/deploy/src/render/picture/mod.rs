//! The picture of a system, as SVG and as text, both drawn from one scene.

mod canvas;
mod pen;
mod scene;
mod svg;
mod text;

use crate::System;

/// The picture as SVG: light or dark as the viewer prefers, without fonts or scripts from elsewhere.
#[must_use]
pub fn picture_svg(system: &System) -> String {
    svg::draw(&scene::Scene::of(system))
}

/// The picture as text of at most 98 columns; every line has the same width.
#[must_use]
pub fn picture_text(system: &System) -> String {
    text::draw(&scene::Scene::of(system))
}

/// A text cut to a number of characters, with `…` when something is missing.
fn cut(text: &str, most: usize) -> String {
    // control and combining characters would shift everything after them
    let clean: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.len() <= most {
        clean.into_iter().collect()
    } else {
        clean[..most.saturating_sub(1)].iter().chain(&['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_texts_are_cut_with_a_sign() {
        assert_eq!(super::cut("gateway", 7), "gateway");
        assert_eq!(super::cut("gateways", 7), "gatewa…");
        assert_eq!(super::cut("a\nb", 7), "a b");
    }
}
