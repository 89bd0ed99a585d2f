//! Jobs and CronJobs.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error};

pub(crate) const THEME: Theme = Theme {
    name: "Jobs",
    checks: &[
        check(
            "ML821",
            Advice,
            "Job that is never cleaned up",
            "Finished Jobs and their pods stay for ever.",
            "Set ttlSecondsAfterFinished.",
        ),
        check(
            "ML822",
            Advice,
            "Job without a retry limit",
            "The default of six retries with growing pauses may hide a failure for a long time.",
            "Set backoffLimit.",
        ),
        check(
            "ML823",
            Error,
            "Job whose pods restart for ever",
            "The API server takes only Never or OnFailure.",
            "Set restartPolicy: Never.",
        ),
        check(
            "ML824",
            Error,
            "schedule that cannot be read",
            "The API server refuses it.",
            "Write five fields (minute hour day month weekday), or @daily and the like; the time zone goes into spec.timeZone.",
        ),
        check(
            "ML825",
            Advice,
            "CronJob that may overlap itself",
            "A slow run is joined by the next one.",
            "Set concurrencyPolicy: Forbid.",
        ),
    ],
    run: &[jobs, cron_jobs],
};

fn jobs(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        let (job, base) = match workload.kind {
            "Job" => (Some(workload.outer), "spec"),
            "CronJob" => (lookup::at(workload.outer, "jobTemplate.spec"), "spec.jobTemplate.spec"),
            _ => continue,
        };
        let has = |field: &str| job.is_some_and(|job| lookup::at(job, field).is_some());
        // CronJobs clean up by their history limits
        if workload.kind == "Job" && !has("ttlSecondsAfterFinished") {
            lint.report(
                "ML821",
                workload.item,
                format!("{base}.ttlSecondsAfterFinished"),
                "It has no ttlSecondsAfterFinished.",
            );
        }
        if !has("backoffLimit") {
            lint.report("ML822", workload.item, format!("{base}.backoffLimit"), "It has no backoffLimit.");
        }
        let policy = lookup::text(workload.spec, "restartPolicy").unwrap_or("Always");
        if !matches!(policy, "Never" | "OnFailure") {
            lint.report(
                "ML823",
                workload.item,
                format!("{}.restartPolicy", workload.path),
                format!("restartPolicy is {policy}."),
            );
        }
    }
}

fn cron_jobs(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("CronJob") {
        let value = world.items[*index].value;
        let schedule = lookup::word(value, "spec.schedule");
        if let Err(problem) = parse(schedule) {
            lint.report("ML824", *index, "spec.schedule", format!("\"{schedule}\": {problem}."));
        }
        if lookup::text(value, "spec.concurrencyPolicy").unwrap_or("Allow") == "Allow" {
            lint.report("ML825", *index, "spec.concurrencyPolicy", "The next run does not wait for the last.");
        }
    }
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The grammar of robfig/cron's standard parser, which the CronJob controller uses.
fn parse(schedule: &str) -> Result<(), String> {
    if schedule.contains("TZ=") {
        return Err("the time zone goes into spec.timeZone".into());
    }
    if let Some(word) = schedule.strip_prefix('@') {
        let every = word
            .strip_prefix("every ")
            .is_some_and(|time| time.ends_with(['s', 'm', 'h']) && time.starts_with(|c: char| c.is_ascii_digit()));
        let named = matches!(word, "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly");
        return if every || named { Ok(()) } else { Err("there is no such word".into()) };
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        return Err(format!("it has {} fields instead of five", fields.len()));
    }
    let ranges: [(&str, u32, u32, &[&str]); 5] = [
        ("minute", 0, 59, &[]),
        ("hour", 0, 23, &[]),
        ("day", 1, 31, &[]),
        ("month", 1, 12, MONTHS),
        ("weekday", 0, 6, DAYS),
    ];
    for (field, (name, low, high, words)) in fields.iter().zip(ranges) {
        for part in field.split(',') {
            if !is_part(part, low, high, words) {
                return Err(format!("\"{part}\" is not a {name}"));
            }
        }
    }
    Ok(())
}

fn is_part(part: &str, low: u32, high: u32, words: &[&str]) -> bool {
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    let value = |text: &str| {
        let named = words.iter().position(|word| word.eq_ignore_ascii_case(text)).and_then(|p| u32::try_from(p).ok());
        named.map(|position| position + low).or_else(|| text.parse().ok()).filter(|n| (low..=high).contains(n))
    };
    let fits = match range.split_once('-') {
        _ if matches!(range, "*" | "?") => true,
        Some((first, last)) => value(first).zip(value(last)).is_some_and(|(first, last)| first <= last),
        None => value(range).is_some(),
    };
    fits && step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_as_the_controller_reads_them() {
        for good in [
            "0 3 * * *",
            "*/15 * * * *",
            "0 0 1,15 * MON-FRI",
            "@daily",
            "@every 1h30m",
            "5-10/2 0 ? JAN sun",
            "0 0 1 1 0",
        ] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "*/0 * * * *",
            "@often",
            "TZ=UTC 0 0 * * *",
            "0 0 5-1 * *",
            "a * * * *",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
