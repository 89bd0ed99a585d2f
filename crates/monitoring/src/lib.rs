//! What is watched, and how: dashboards, rules and routes.
