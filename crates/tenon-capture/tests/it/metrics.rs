//! The text that Prometheus reads.

use std::time::Duration;

use tenon_capture::Metrics;
use tenon_store::JobState;

#[test]
fn counters_gauges_and_histograms_are_rendered() {
    let metrics = Metrics::default();
    metrics.events_captured.add(3);
    metrics.job_finished(JobState::Faulted);
    metrics.job_finished(JobState::Waiting);
    metrics.jobs_ready.add(5);
    metrics.jobs_ready.add(-2);
    metrics.workspaces_crowded.set(2);
    metrics.capture_time.observe(Duration::from_micros(200));
    metrics.capture_time.observe(Duration::from_mins(1));
    let text = metrics.render();
    for line in [
        "tenon_events_captured_total 3",
        "tenon_jobs_finished_total{state=\"completed\"} 0",
        "tenon_jobs_finished_total{state=\"faulted\"} 1",
        "tenon_jobs_ready 3",
        "tenon_workspaces_at_share 2",
        "tenon_capture_seconds_bucket{le=\"0.0001\"} 0",
        "tenon_capture_seconds_bucket{le=\"0.00025\"} 1",
        "tenon_capture_seconds_bucket{le=\"10\"} 1",
        "tenon_capture_seconds_bucket{le=\"+Inf\"} 2",
        "tenon_capture_seconds_sum 60.0002",
        "tenon_capture_seconds_count 2",
        "# TYPE tenon_jobs_running gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
}
