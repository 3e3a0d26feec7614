//! Flow control of a server: the worker's limits as they are configured, and the waits for hosts as metrics.

use std::fmt::Write as _;

use tenon_capture::CaptureService;
use tenon_outbound::{HostRateUse, HttpClient};
use tenon_worker::{BacklogBounds, Options};

use crate::config::UpSettings;

/// The worker's options.
pub(super) fn worker(settings: &UpSettings) -> Options {
    let per_workspace = *settings.limits_workspace_concurrency;
    Options {
        capacity: u32::try_from(*settings.worker_effects).unwrap_or(u32::MAX),
        keep_jobs: *settings.retention_jobs,
        keep_payloads: *settings.retention_payloads,
        workspace_concurrency: Some(per_workspace).filter(|limit| *limit > 0),
        backlog: BacklogBounds {
            jobs: u64::try_from(*settings.limits_backlog_jobs).unwrap_or(u64::MAX),
            bytes: settings.limits_backlog_bytes.0,
            age: *settings.limits_backlog_age,
        },
        ..Options::default()
    }
}

/// Shows the waits for hosts with the other metrics.
pub(super) fn count_waits(capture: &CaptureService, http: &HttpClient) {
    let http = http.clone();
    capture.ports().metrics.others.add(move |text| render(&http.rates(), text));
}

fn render(rates: &[HostRateUse], text: &mut String) {
    let mut family = |name: &str, kind: &str, help: &str, value: fn(&HostRateUse) -> f64| {
        if rates.is_empty() {
            return;
        }
        let mut line = |line: std::fmt::Arguments<'_>| {
            writeln!(text, "{line}").expect("writing to a string cannot fail");
        };
        line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
        for rate in rates {
            line(format_args!("{name}{{host=\"{}\"}} {}", rate.rate.host, value(rate)));
        }
    };
    family("tenon_outbound_waiting", "gauge", "calls that wait for their host's rate", |rate| {
        rate.waiting as f64
    });
    family(
        "tenon_outbound_delayed_total",
        "counter",
        "calls that had to wait for their host's rate",
        |rate| rate.delayed as f64,
    );
    family("tenon_outbound_delay_seconds_total", "counter", "how long they waited, all together", |rate| {
        rate.waited.as_secs_f64()
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn waits_are_lines_by_host() {
        let rate = "api.example.com=10/s".parse().expect("a rate");
        let used = HostRateUse { rate, waiting: 3, sent: 9, delayed: 4, waited: Duration::from_millis(1500) };
        let mut text = String::new();
        render(&[used], &mut text);
        assert!(text.contains("tenon_outbound_waiting{host=\"api.example.com\"} 3\n"), "{text}");
        assert!(
            text.contains("tenon_outbound_delay_seconds_total{host=\"api.example.com\"} 1.5\n"),
            "{text}"
        );
        let mut none = String::new();
        render(&[], &mut none);
        assert_eq!(none, "");
    }
}
