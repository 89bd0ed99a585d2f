//! Counters, gauges and histograms, and the page Prometheus reads.
//!
//! Handles are taken once and kept by the code that counts; updating one is an atomic addition. Label values must come
//! from small closed sets (route templates, never paths): a family refuses to grow past [`MAX_SERIES`] and counts the
//! rest under `other`. Text format: Prometheus exposition format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Most series a family may hold.
pub const MAX_SERIES: usize = 2_000;

/// Upper bounds of duration buckets in seconds (OpenTelemetry HTTP semantic conventions).
pub const DURATION_BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// A label: name and value.
pub type Label<'a> = (&'static str, &'a str);

/// All metrics of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    families: Arc<RwLock<BTreeMap<&'static str, Family>>>,
}

/// A number that only grows.
#[derive(Debug, Clone)]
pub struct Counter(Arc<AtomicU64>);

/// A number that goes up and down.
#[derive(Debug, Clone)]
pub struct Gauge(Arc<AtomicU64>);

/// A distribution of durations over [`DURATION_BUCKETS`].
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Family {
    help: &'static str,
    kind: &'static str,
    series: BTreeMap<String, Series>,
}

#[derive(Debug, Clone)]
enum Series {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

#[derive(Debug, Default)]
struct Buckets {
    counts: [AtomicU64; DURATION_BUCKETS.len() + 1],
    sum_nanos: AtomicU64,
}

// === impl Registry ===

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter `name` with these labels; made on first use. By convention `name` ends in `_total`.
    #[must_use]
    pub fn counter(&self, name: &'static str, help: &'static str, labels: &[Label<'_>]) -> Counter {
        match self.series(name, help, "counter", labels, || Series::Counter(Counter(Arc::default()))) {
            Series::Counter(counter) => counter,
            _ => Counter(Arc::default()),
        }
    }

    /// The gauge `name` with these labels; made on first use.
    #[must_use]
    pub fn gauge(&self, name: &'static str, help: &'static str, labels: &[Label<'_>]) -> Gauge {
        match self.series(name, help, "gauge", labels, || Series::Gauge(Gauge(Arc::default()))) {
            Series::Gauge(gauge) => gauge,
            _ => Gauge(Arc::default()),
        }
    }

    /// A counter of fractional seconds that somebody else keeps: settable like a gauge, exposed as a counter.
    fn seconds_total(&self, name: &'static str, help: &'static str) -> Gauge {
        match self.series(name, help, "counter", &[], || Series::Gauge(Gauge(Arc::default()))) {
            Series::Gauge(gauge) => gauge,
            _ => Gauge(Arc::default()),
        }
    }

    /// The histogram `name` with these labels; made on first use. By convention `name` ends in `_seconds`.
    #[must_use]
    pub fn histogram(&self, name: &'static str, help: &'static str, labels: &[Label<'_>]) -> Histogram {
        match self.series(name, help, "histogram", labels, || Series::Histogram(Histogram(Arc::default()))) {
            Series::Histogram(histogram) => histogram,
            _ => Histogram(Arc::default()),
        }
    }

    fn series(
        &self,
        name: &'static str,
        help: &'static str,
        kind: &'static str,
        labels: &[Label<'_>],
        make: impl FnOnce() -> Series,
    ) -> Series {
        let key = label_text(labels);
        if let Some(found) = self.read().get(name).and_then(|family| family.series.get(&key)) {
            return found.clone();
        }
        let mut families = self.families.write().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(name).or_insert_with(|| Family { help, kind, series: BTreeMap::new() });
        let key = if family.series.len() >= MAX_SERIES { label_text(&[("series", "other")]) } else { key };
        family.series.entry(key).or_insert_with(make).clone()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<&'static str, Family>> {
        self.families.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The page of `/metrics`.
    #[must_use]
    pub fn render(&self) -> String {
        let mut page = String::with_capacity(8 * 1024);
        for (name, family) in self.read().iter() {
            let _ = writeln!(page, "# HELP {name} {}\n# TYPE {name} {}", family.help, family.kind);
            for (labels, series) in &family.series {
                series.render(&mut page, name, labels);
            }
        }
        page
    }
}

// === impl Counter, Gauge, Histogram ===

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }
    /// `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    /// The count so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
    /// Adds to the value (subtracts when negative).
    pub fn add(&self, delta: f64) {
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| Some((f64::from_bits(bits) + delta).to_bits()));
    }
    /// The value.
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl Histogram {
    /// Records one duration.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let slot = DURATION_BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(DURATION_BUCKETS.len());
        self.0.counts[slot].fetch_add(1, Ordering::Relaxed);
        self.0.sum_nanos.fetch_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    /// How many durations were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

impl Series {
    fn render(&self, page: &mut String, name: &str, labels: &str) {
        let braces = |extra: &str| match (labels.is_empty(), extra.is_empty()) {
            (true, true) => String::new(),
            (false, true) => format!("{{{labels}}}"),
            (true, false) => format!("{{{extra}}}"),
            (false, false) => format!("{{{labels},{extra}}}"),
        };
        match self {
            Self::Counter(counter) => {
                let _ = writeln!(page, "{name}{} {}", braces(""), counter.get());
            }
            Self::Gauge(gauge) => {
                let _ = writeln!(page, "{name}{} {}", braces(""), gauge.get());
            }
            Self::Histogram(histogram) => {
                let mut cumulative = 0;
                for (slot, count) in histogram.0.counts.iter().enumerate() {
                    cumulative += count.load(Ordering::Relaxed);
                    let bound = DURATION_BUCKETS.get(slot).map_or_else(|| "+Inf".to_owned(), f64::to_string);
                    let _ = writeln!(page, "{name}_bucket{} {cumulative}", braces(&format!("le=\"{bound}\"")));
                }
                #[expect(clippy::cast_precision_loss, reason = "a sum of seconds needs no more than 53 bits")]
                let sum = histogram.0.sum_nanos.load(Ordering::Relaxed) as f64 / 1e9;
                let _ = writeln!(page, "{name}_sum{} {sum}\n{name}_count{} {cumulative}", braces(""), braces(""));
            }
        }
    }
}

fn label_text(labels: &[Label<'_>]) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        if !text.is_empty() {
            text.push(',');
        }
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{name}=\"{value}\"");
    }
    text
}

/// Registers and refreshes what Prometheus expects of any process: CPU, memory, open files, start time.
/// Values are read from `/proc/self`; where that does not exist they stay at zero.
#[derive(Debug, Clone)]
pub struct ProcessMetrics {
    cpu: Gauge,
    memory: Gauge,
    files: Gauge,
}

impl ProcessMetrics {
    /// Registers the metrics and `mainstay_build_info`.
    #[must_use]
    pub fn register(registry: &Registry, version: &str, roles: &str, started_unix: i64) -> Self {
        registry
            .gauge(
                "mainstay_build_info",
                "Version and roles of this process.",
                &[("version", version), ("roles", roles)],
            )
            .set(1.0);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
        registry
            .gauge("process_start_time_seconds", "Start time since the Unix epoch in seconds.", &[])
            .set(started_unix as f64);
        Self {
            cpu: registry.seconds_total("process_cpu_seconds_total", "User and system CPU time spent in seconds."),
            memory: registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", &[]),
            files: registry.gauge("process_open_fds", "Number of open file descriptors.", &[]),
        }
    }

    /// Reads the values again; called before the page is rendered.
    pub fn refresh(&self) {
        if let Ok(stat) = std::fs::read_to_string("/proc/self/stat")
            && let Some(rest) = stat.rsplit_once(") ").map(|(_, rest)| rest)
        {
            let fields: Vec<&str> = rest.split(' ').collect();
            let ticks = |i: usize| fields.get(i).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
            // utime and stime are fields 14 and 15 of proc(5), in ticks of 1/100 s; rss is field 24, in pages
            self.cpu.set((ticks(11) + ticks(12)) / 100.0);
            self.memory.set(ticks(21) * 4096.0);
        }
        if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
            #[expect(clippy::cast_precision_loss, reason = "a count of files")]
            self.files.set(entries.count() as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_help_type_and_sorted_series() {
        let registry = Registry::new();
        registry.counter("jobs_total", "Jobs done.", &[("kind", "b\"x")]).add(3);
        registry.counter("jobs_total", "Jobs done.", &[("kind", "a")]).inc();
        registry.gauge("depth", "Queue depth.", &[]).set(2.5);
        let page = registry.render();
        assert_eq!(
            page,
            "# HELP depth Queue depth.\n# TYPE depth gauge\ndepth 2.5\n# HELP jobs_total Jobs done.\n# TYPE jobs_total \
             counter\njobs_total{kind=\"a\"} 1\njobs_total{kind=\"b\\\"x\"} 3\n"
        );
    }

    #[test]
    fn histogram_buckets_are_cumulative() {
        let registry = Registry::new();
        let histogram = registry.histogram("wait_seconds", "Wait.", &[]);
        for ms in [1, 7, 30_000] {
            histogram.observe(Duration::from_millis(ms));
        }
        let page = registry.render();
        assert!(page.contains("wait_seconds_bucket{le=\"0.005\"} 1"));
        assert!(page.contains("wait_seconds_bucket{le=\"0.01\"} 2"));
        assert!(page.contains("wait_seconds_bucket{le=\"+Inf\"} 3"));
        assert!(page.contains("wait_seconds_count 3"));
    }

    #[test]
    fn a_family_stops_growing() {
        let registry = Registry::new();
        for n in 0..MAX_SERIES + 50 {
            registry.counter("hits_total", "Hits.", &[("n", &n.to_string())]).inc();
        }
        assert!(registry.render().contains("hits_total{series=\"other\"} 50"));
    }
}
