//! Panels of Grafana, and how they are laid out.

use crate::query::with_variables;
use serde_json::{Value, json};

/// Columns of Grafana's grid.
pub(crate) const COLUMNS: u32 = 24;

/// Anything on a dashboard: a panel, or the heading of a section.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    kind: &'static str,
    title: String,
    about: String,
    unit: &'static str,
    width: u32,
    height: u32,
    targets: Vec<Value>,
    /// Value from which each colour holds; the first is the colour below all of them.
    thresholds: Vec<(Option<f64>, &'static str)>,
    max: Option<f64>,
    stacked: bool,
    loki: bool,
}

fn panel(kind: &'static str, title: &str, unit: &'static str, width: u32, height: u32) -> Panel {
    Panel {
        kind,
        title: title.to_owned(),
        about: String::new(),
        unit,
        width,
        height,
        targets: Vec::new(),
        thresholds: vec![(None, "green")],
        max: None,
        stacked: false,
        loki: false,
    }
}

/// Lines over time.
pub(crate) fn lines(title: &str, unit: &'static str) -> Panel {
    panel("timeseries", title, unit, 12, 8)
}

/// One number, or one for each series.
pub(crate) fn number(title: &str, unit: &'static str) -> Panel {
    panel("stat", title, unit, 6, 4)
}

/// How the buckets of a histogram fill over time.
pub(crate) fn heatmap(title: &str) -> Panel {
    panel("heatmap", title, "s", COLUMNS, 10)
}

/// One bar for each series.
pub(crate) fn bars(title: &str, unit: &'static str) -> Panel {
    panel("bargauge", title, unit, 12, 8)
}

/// Log lines.
pub(crate) fn log_lines(title: &str) -> Panel {
    Panel { loki: true, ..panel("logs", title, "short", COLUMNS, 16) }
}

/// The heading of a section.
pub(crate) fn heading(title: &str) -> Panel {
    panel("row", title, "short", COLUMNS, 1)
}

// === impl Panel ===

impl Panel {
    pub(crate) fn about(mut self, text: &str) -> Self {
        text.clone_into(&mut self.about);
        self
    }

    /// Adds a query; `legend` names its series.
    pub(crate) fn query(mut self, expression: &str, legend: &str) -> Self {
        let expression = if self.loki { expression.to_owned() } else { with_variables(expression) };
        let letter = char::from(b'A' + u8::try_from(self.targets.len() % 26).unwrap_or(0));
        let mut target = json!({
            "refId": letter.to_string(),
            "datasource": datasource(self.loki),
            "expr": expression,
            "legendFormat": legend,
            "editorMode": "code",
            "range": true,
        });
        if self.kind == "heatmap" {
            target["format"] = json!("heatmap");
        }
        if self.kind == "bargauge" {
            target["range"] = json!(false);
            target["instant"] = json!(true);
        }
        if self.loki {
            target["queryType"] = json!("range");
        }
        self.targets.push(target);
        self
    }

    pub(crate) fn wide(mut self, columns: u32) -> Self {
        self.width = columns;
        self
    }

    /// Colours by value: green below the first.
    pub(crate) fn warns_at(mut self, warning: f64, critical: f64) -> Self {
        self.thresholds = vec![(None, "green"), (Some(warning), "orange"), (Some(critical), "red")];
        self
    }

    /// Colours by value where more is better: red below the first.
    pub(crate) fn good_from(mut self, tolerable: f64, good: f64) -> Self {
        self.thresholds = vec![(None, "red"), (Some(tolerable), "orange"), (Some(good), "green")];
        self
    }

    /// One neutral colour, for what is neither good nor bad.
    pub(crate) fn neutral(mut self) -> Self {
        self.thresholds = vec![(None, "blue")];
        self
    }

    pub(crate) fn up_to(mut self, max: f64) -> Self {
        self.max = Some(max);
        self
    }

    pub(crate) fn stacked(mut self) -> Self {
        self.stacked = true;
        self
    }

    /// Asks Loki instead of Prometheus; before the first query.
    pub(crate) fn of_logs(mut self) -> Self {
        self.loki = true;
        self
    }

    fn json(&self, id: u32, x: u32, y: u32) -> Value {
        let place = json!({ "x": x, "y": y, "w": self.width, "h": self.height });
        if self.kind == "row" {
            return json!({
                "id": id, "type": "row", "title": self.title, "gridPos": place, "collapsed": false, "panels": [],
            });
        }
        json!({
            "id": id,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": datasource(self.loki),
            "gridPos": place,
            "targets": self.targets,
            "fieldConfig": { "defaults": self.defaults(), "overrides": [] },
            "options": self.options(),
        })
    }

    fn defaults(&self) -> Value {
        let steps: Vec<Value> =
            self.thresholds.iter().map(|(value, color)| json!({ "value": value, "color": color })).collect();
        let by_value = matches!(self.kind, "stat" | "bargauge");
        let mut defaults = json!({
            "unit": self.unit,
            "min": 0,
            "thresholds": { "mode": "absolute", "steps": steps },
            "color": { "mode": if by_value { "thresholds" } else { "palette-classic" } },
            "mappings": [],
        });
        if let Some(max) = self.max {
            defaults["max"] = json!(max);
        }
        if self.kind == "timeseries" {
            defaults["custom"] = json!({
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": if self.stacked { 30 } else { 10 },
                "showPoints": "never",
                "spanNulls": false,
                "stacking": { "mode": if self.stacked { "normal" } else { "none" }, "group": "A" },
                "thresholdsStyle": { "mode": if self.thresholds.len() > 1 { "dashed" } else { "off" } },
            });
        }
        defaults
    }

    fn options(&self) -> Value {
        let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        match self.kind {
            "timeseries" => json!({
                "legend": {
                    "showLegend": true, "displayMode": "table", "placement": "bottom",
                    "calcs": ["mean", "max", "lastNotNull"],
                },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            "stat" => json!({
                "reduceOptions": last,
                "colorMode": "value",
                "graphMode": "area",
                "justifyMode": "auto",
                "orientation": "auto",
                "textMode": "auto",
                "wideLayout": true,
            }),
            "bargauge" => json!({
                "reduceOptions": last, "displayMode": "gradient", "orientation": "horizontal", "showUnfilled": true,
                "valueMode": "color",
            }),
            "heatmap" => json!({
                "calculate": false,
                "cellGap": 1,
                "cellValues": { "unit": "reqps" },
                "color": {
                    "mode": "scheme", "scheme": "Oranges", "steps": 64, "scale": "exponential", "exponent": 0.5,
                },
                "filterValues": { "le": 1e-9 },
                "legend": { "show": true },
                "rowsFrame": { "layout": "auto" },
                "tooltip": { "mode": "single", "yHistogram": true, "showColorScale": true },
                "yAxis": { "axisPlacement": "left", "unit": self.unit, "reverse": false },
            }),
            _ => json!({
                "showTime": true, "wrapLogMessage": true, "enableLogDetails": true, "sortOrder": "Descending",
                "dedupStrategy": "none", "prettifyLogMessage": false,
            }),
        }
    }
}

fn datasource(loki: bool) -> Value {
    if loki {
        json!({ "type": "loki", "uid": "${logs}" })
    } else {
        json!({ "type": "prometheus", "uid": "${datasource}" })
    }
}

/// Places panels from left to right and top to bottom: a line ends where the next panel has no room.
pub(crate) fn lay_out(panels: &[Panel]) -> Vec<Value> {
    let (mut x, mut y, mut line) = (0, 0, 0);
    let mut placed = Vec::with_capacity(panels.len());
    for (panel, id) in panels.iter().zip(1..) {
        if x + panel.width > COLUMNS {
            (x, y, line) = (0, y + line, 0);
        }
        placed.push(panel.json(id, x, y));
        x += panel.width;
        line = line.max(panel.height);
    }
    placed
}
