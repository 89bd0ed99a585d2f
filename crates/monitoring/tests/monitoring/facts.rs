//! Systems that the tests look at.

use mainstay_monitoring::{Backup, Component, Facts, Postgres, Scrape};

/// A project in which everything exists that can be watched.
pub(crate) fn full() -> Facts {
    let mut gateway = Component::roles("gateway", &["gateway", "portal"]);
    gateway.memory_limit = Some(134_217_728);
    let mut api = Component::roles("api", &["auth", "data"]);
    api.autoscaled = true;
    Facts {
        components: vec![
            gateway,
            api,
            Component::other("mailer", Some(Scrape { port: "http".to_owned(), path: "/stats".to_owned() })),
            Component::other("grafana", None),
        ],
        postgres: Some(Postgres {
            service: "postgres-service".to_owned(),
            major: 17,
            exporter: Some("postgres-exporter".to_owned()),
            in_namespace: true,
        }),
        kube_state_metrics: true,
        cadvisor: true,
        cert_manager_metrics: true,
        loki: true,
        backup: Some(Backup { cron_job: "backup".to_owned(), max_age_hours: 30 }),
        init_job: Some("db-init".to_owned()),
        ..Facts::new("budget-app", "budget-app")
    }
}

/// A project with its own Prometheus and nothing else: no rights beyond the namespace, no exporter.
pub(crate) fn small() -> Facts {
    Facts {
        components: vec![
            Component::roles("gateway", &["gateway"]),
            Component::roles("api", &["auth", "data", "portal"]),
        ],
        postgres: Some(Postgres {
            service: "postgres-service".to_owned(),
            major: 17,
            exporter: None,
            in_namespace: true,
        }),
        ..Facts::new("budget-app", "budget-app")
    }
}

/// Under kube-prometheus-stack, with PostgreSQL 16.
pub(crate) fn operator() -> Facts {
    let mut facts = Facts { kubernetes_mixin: true, loki: false, ..full() };
    facts.postgres.as_mut().unwrap().major = 16;
    facts
}

/// The data API alone, and the user's own service; no gateway.
pub(crate) fn headless() -> Facts {
    Facts {
        components: vec![Component::roles("data", &["data"]), Component::other("worker", Some(Scrape::metrics()))],
        ..Facts::new("rest-api", "rest-api")
    }
}

/// Nothing at all.
pub(crate) fn empty() -> Facts {
    Facts::new("empty", "empty")
}

pub(crate) fn all() -> Vec<(&'static str, Facts)> {
    vec![("full", full()), ("small", small()), ("operator", operator()), ("headless", headless()), ("empty", empty())]
}
