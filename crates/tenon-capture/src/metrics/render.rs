//! The counters in the text format of Prometheus.

use std::fmt::{self, Write as _};
use std::sync::atomic::Ordering;

use super::{BOUNDS, Counter, Histogram, Metrics};

/// One line of a family: its label (`state="completed"` or nothing) and value.
type Sample = (&'static str, u64);

// === impl Metrics ===

impl Metrics {
    /// The text format of Prometheus.
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(8192);
        self.render_counters(&mut text);
        let gauges = [
            ("tenon_jobs_running", "jobs being worked on", self.jobs_running.get()),
            ("tenon_jobs_ready", "jobs that wait for their turn", self.jobs_ready.get()),
            (
                "tenon_workspaces_at_share",
                "workspaces that have jobs to start and as many at work as their share",
                self.workspaces_crowded.get(),
            ),
            ("tenon_http_connections", "open connections", self.connections.get()),
        ];
        for (name, help, number) in gauges {
            line(&mut text, format_args!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {number}"));
        }
        let refused = self.backlogs.workspaces();
        let help = "workspaces that take nothing new because of their backlog";
        let name = "tenon_workspaces_refused";
        line(&mut text, format_args!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {refused}"));
        self.others.render(&mut text);
        render_histogram(&mut text, "tenon_capture_seconds", "from arrival to durable", &self.capture_time);
        render_histogram(&mut text, "tenon_commit_seconds", "from an outcome to durable", &self.write_time);
        text
    }

    fn render_counters(&self, text: &mut String) {
        let one = |counter: &Counter| [("", counter.get())];
        let captured = one(&self.events_captured);
        family(text, "tenon_events_captured_total", "events made durable", &captured);
        let duplicate = one(&self.events_duplicate);
        family(text, "tenon_events_duplicate_total", "events refused as repeats", &duplicate);
        let unwanted = one(&self.events_unwanted);
        family(text, "tenon_events_unwanted_total", "events that no workflow wanted", &unwanted);
        family(text, "tenon_jobs_started_total", "jobs started by capture", &one(&self.jobs_started));
        let suspended = one(&self.jobs_started_suspended);
        family(
            text,
            "tenon_jobs_started_suspended_total",
            "jobs suspended at capture by a failing key",
            &suspended,
        );
        let dropped = one(&self.gather_dropped);
        let help = "sets of gathered events that were dropped because of a bound";
        family(text, "tenon_gather_dropped_total", help, &dropped);
        let finished = [
            ("state=\"completed\"", self.jobs_completed.get()),
            ("state=\"faulted\"", self.jobs_faulted.get()),
            ("state=\"cancelled\"", self.jobs_cancelled.get()),
        ];
        family(text, "tenon_jobs_finished_total", "jobs that ended", &finished);
        let effects = [
            ("outcome=\"completed\"", self.effects_completed.get()),
            ("outcome=\"faulted\"", self.effects_faulted.get()),
            ("outcome=\"cancelled\"", self.effects_cancelled.get()),
        ];
        family(text, "tenon_effects_total", "effects that ended", &effects);
        let [first, second, third, fourth, fifth] = self.responses.each_ref().map(Counter::get);
        let responses = [
            ("class=\"1xx\"", first),
            ("class=\"2xx\"", second),
            ("class=\"3xx\"", third),
            ("class=\"4xx\"", fourth),
            ("class=\"5xx\"", fifth),
        ];
        family(text, "tenon_http_responses_total", "answers by class of status", &responses);
        let refused = one(&self.backlogs.refusals);
        family(text, "tenon_intake_refused_total", "requests refused because of the backlog", &refused);
        family(text, "tenon_panics_total", "requests and jobs that hit a bug", &one(&self.panics));
    }
}

fn family(text: &mut String, name: &str, help: &str, samples: &[Sample]) {
    line(text, format_args!("# HELP {name} {help}\n# TYPE {name} counter"));
    for (label, number) in samples {
        match *label {
            "" => line(text, format_args!("{name} {number}")),
            label => line(text, format_args!("{name}{{{label}}} {number}")),
        }
    }
}

fn render_histogram(text: &mut String, name: &str, help: &str, histogram: &Histogram) {
    line(text, format_args!("# HELP {name} {help}\n# TYPE {name} histogram"));
    let mut total = 0;
    for (bucket, (_, bound)) in histogram.buckets.iter().zip(BOUNDS) {
        total += bucket.load(Ordering::Relaxed);
        line(text, format_args!("{name}_bucket{{le=\"{bound}\"}} {total}"));
    }
    // Read while others count: the total must not be less than its parts.
    let count = histogram.count.load(Ordering::Relaxed).max(total);
    line(text, format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
    let seconds = histogram.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
    line(text, format_args!("{name}_sum {seconds}\n{name}_count {count}"));
}

fn line(text: &mut String, arguments: fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("writing to a string cannot fail");
}
