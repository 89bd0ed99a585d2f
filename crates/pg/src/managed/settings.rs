//! `mainstay.conf` and `pg_hba.conf`: the server's settings, sized to the machine.

use std::fmt::Write as _;
use std::path::Path;

/// What the settings depend on.
pub(super) struct Sizing<'a> {
    pub(super) port: u16,
    pub(super) socket_dir: &'a Path,
    pub(super) memory_bytes: u64,
    pub(super) durable: bool,
    pub(super) max_connections: u32,
}

/// Who may log in from where: everybody with a password, from this machine only.
pub(super) const HBA: &str = "# written by Mainstay at every start\n\
    local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n";

/// The text of `mainstay.conf`, with the reason for each value that is not PostgreSQL's default.
pub(super) fn render(sizing: &Sizing<'_>) -> String {
    let mib = sizing.memory_bytes >> 20;
    let shared = (mib / 8).clamp(64, 1024);
    let cache = (mib / 2).max(128);
    let maintenance = (mib / 32).clamp(32, 256);
    let lines: Vec<(&str, String, &str)> = vec![
        ("listen_addresses", "'127.0.0.1'".into(), "this machine only"),
        ("port", sizing.port.to_string(), "told in `mainstay status`"),
        ("unix_socket_directories", format!("'{}'", sizing.socket_dir.display()), "how Mainstay itself connects"),
        ("unix_socket_permissions", "0777".into(), "the folder decides who reaches it; the password who enters"),
        ("max_connections", sizing.max_connections.to_string(), "the pools are small"),
        ("shared_buffers", format!("{shared}MB"), "an eighth of memory, 1 GB at most"),
        ("effective_cache_size", format!("{cache}MB"), "half of memory"),
        ("maintenance_work_mem", format!("{maintenance}MB"), "index builds"),
        ("work_mem", "8MB".into(), "sorts of list requests stay in memory"),
        ("random_page_cost", "1.1".into(), "solid-state storage"),
        ("jit", "off".into(), "short statements gain nothing from it"),
        ("max_wal_size", "1GB".into(), "fewer checkpoints under load"),
        ("checkpoint_timeout", "15min".into(), "fewer full-page writes"),
        ("wal_compression", "on".into(), "less to write"),
        ("password_encryption", "'scram-sha-256'".into(), "the only method allowed"),
        ("timezone", "'UTC'".into(), "answers do not depend on the machine"),
        ("log_timezone", "'UTC'".into(), ""),
        ("log_line_prefix", "'%m [%p] %q%u@%d '".into(), ""),
        ("log_min_duration_statement", "1000".into(), "slow statements are told"),
        ("log_parameter_max_length", "0".into(), "values never reach the log"),
        ("log_parameter_max_length_on_error", "0".into(), ""),
        ("cluster_name", "'mainstay'".into(), "shown in the process list"),
        ("fsync", if sizing.durable { "on" } else { "off" }.into(), if sizing.durable { "" } else { "tests only" }),
        ("synchronous_commit", if sizing.durable { "on" } else { "off" }.into(), ""),
        ("full_page_writes", if sizing.durable { "on" } else { "off" }.into(), ""),
    ];
    let mut text = String::from(
        "# written by Mainstay at every start; put your own settings into postgresql.auto.conf (ALTER SYSTEM)\n",
    );
    for (name, value, why) in lines {
        let comment = if why.is_empty() { String::new() } else { format!("  # {why}") };
        let _ = writeln!(text, "{name} = {value}{comment}");
    }
    text
}

/// Memory that this process may use: the smaller of the machine's and the control group's limit.
pub(super) fn memory_bytes() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    });
    let group =
        std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<u64>().ok());
    machine.into_iter().chain(group).min().unwrap_or(2 << 30)
}
