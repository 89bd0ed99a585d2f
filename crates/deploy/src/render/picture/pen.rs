//! Writing SVG: every text goes through one place that escapes it.

use super::scene::Tone;
use std::fmt::Write as _;

/// A drawing that is being written.
#[derive(Default)]
pub(super) struct Pen {
    body: String,
}

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(super) enum Line {
    Request,
    Sql,
    Metrics,
}

impl Line {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Sql => "sql",
            Self::Metrics => "metrics",
        }
    }
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Way => "way",
            Self::Gateway => "gateway",
            Self::Role => "role",
            Self::Service => "service",
            Self::Database => "database",
            Self::Job => "job",
            Self::Monitoring => "monitoring",
            Self::Logging => "logging",
        }
    }
}

impl Pen {
    pub(super) fn open(&mut self, title: &str) {
        let _ = writeln!(self.body, "<g><title>{}</title>", escape(title));
    }

    pub(super) fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    pub(super) fn rectangle(&mut self, class: &str, (x, y): (i32, i32), (width, height): (i32, i32), radius: i32) {
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>"
        );
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (i32, i32), text: &str) {
        let _ = writeln!(self.body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(text));
    }

    /// A line through points, with an arrow at its end or without.
    pub(super) fn line(&mut self, line: Line, points: &[(i32, i32)], arrow: bool) {
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let class = line.class();
        let end = if arrow { format!(" marker-end=\"url(#arrow-{class})\"") } else { String::new() };
        let _ = writeln!(self.body, "<polyline class=\"line {class}\" points=\"{}\"{end}/>", path.join(" "));
    }

    /// A drum, as volumes are drawn.
    pub(super) fn drum(&mut self, (x, y): (i32, i32), (width, height): (i32, i32)) {
        let (half, right, bottom) = (width / 2, x + width, y + height);
        let _ = writeln!(
            self.body,
            "<path class=\"drum\" d=\"M{x},{top} A{half},8 0 0 1 {right},{top} V{low} A{half},8 0 0 1 {x},{low} Z \
             M{x},{top} A{half},8 0 0 0 {right},{top}\"/>",
            top = y + 8,
            low = bottom - 8,
        );
    }

    /// A shield: connections are held by a network policy.
    pub(super) fn shield(&mut self, (x, y): (i32, i32)) {
        let _ = writeln!(
            self.body,
            "<path class=\"shield\" d=\"M{x},{y} l6,2.5 v5 c0,4 -3,6.5 -6,8 c-3,-1.5 -6,-4 -6,-8 v-5 z\"/>"
        );
    }

    /// What another pen drew, over what is here.
    pub(super) fn append(&mut self, other: Self) {
        self.body.push_str(&other.body);
    }

    /// The whole file.
    pub(super) fn finish(self, width: i32, height: i32, title: &str, description: &str) -> String {
        let mut markers = String::new();
        for line in [Line::Request, Line::Sql, Line::Metrics] {
            let class = line.class();
            let _ = writeln!(
                markers,
                "<marker id=\"arrow-{class}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" \
                 markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
                 <path class=\"tip {class}\" d=\"M0,0 L10,5 L0,10 z\"/></marker>"
            );
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-labelledby=\"title description\">\n\
             <title id=\"title\">{}</title>\n<desc id=\"description\">{}</desc>\n\
             <style>\n{STYLE}</style>\n<defs>\n{markers}</defs>\n\
             <rect class=\"sheet\" x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            escape(title),
            escape(description),
            self.body
        )
    }
}

/// XML text: markup is escaped, and characters that XML 1.0 does not allow are replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "\
svg { --sheet: #ffffff; --frame: #f6f8fa; --card: #ffffff; --border: #c4ccd4; --text: #1f2328; --quiet: #59636e;
  --request: #0969da; --sql: #8250df; --metrics: #1a7f37; --way: #bc4c00; --job: #9a6700; --grey: #59636e; --logging: #0f7b8a; }
@media (prefers-color-scheme: dark) { svg { --sheet: #0d1117; --frame: #151b23; --card: #0d1117; --border: #3d444d;
  --text: #f0f6fc; --quiet: #9198a1; --request: #4493f8; --sql: #ab7df8; --metrics: #3fb950; --way: #f0883e; --job: #d29922;
  --grey: #9198a1; --logging: #39c5cf; } }
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; fill: var(--text); font-size: 12px; }
.heading { font-size: 24px; font-weight: 650; } .subtitle, .kind, .label, .small { fill: var(--quiet); }
.name { font-size: 14px; font-weight: 650; } .kind { font-size: 11px; } .label { font-size: 11px; } .part { font-size: 13px; font-weight: 650; }
.middle { text-anchor: middle; } .sheet { fill: var(--sheet); }
.frame { fill: var(--frame); stroke: var(--border); stroke-width: 1.5; } .group { fill: none; stroke: var(--border); stroke-dasharray: 5 4; }
.card, .behind, .chip { fill: var(--card); stroke: var(--border); } .bar { stroke: none; fill: var(--grey); }
.bar.way { fill: var(--way); } .bar.gateway, .bar.role { fill: var(--request); } .bar.service { fill: var(--logging); }
.bar.database { fill: var(--sql); } .bar.job { fill: var(--job); } .bar.monitoring { fill: var(--metrics); } .bar.logging { fill: var(--logging); }
.drum { fill: var(--card); stroke: var(--sql); stroke-width: 1.5; } .shield { fill: var(--metrics); stroke: none; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; } .tip { stroke: none; }
.line.request { stroke: var(--request); } .line.sql { stroke: var(--sql); } .line.metrics { stroke: var(--metrics); stroke-dasharray: 6 4; }
.tip.request { fill: var(--request); } .tip.sql { fill: var(--sql); } .tip.metrics { fill: var(--metrics); }
";

#[cfg(test)]
mod tests {
    #[test]
    fn names_cannot_leave_their_text() {
        assert_eq!(super::escape("</text><script>\u{0}\"&"), "&lt;/text&gt;&lt;script&gt; &quot;&amp;");
    }
}
