//! The workflows of the crash run, one by one.

use super::{
    Child, Emits, Flow, Hears, PARKED, PATIENCE_US, PAUSE_US, RETRY_DELAY_US, Since, TIMEOUT_US, Timer, Way,
    row,
};
use crate::crash::timetable::{ALONE_US, OWN};

const ANY_WAY: &[Way] = &[Way::Webhook, Way::Event, Way::Call];
const NO_WAY: &[Way] = &[];
/// A retry's delay counts from the failure, which is the outcome before it.
const RETRY: Timer = Timer { since: Since::Outcome, delay_us: RETRY_DELAY_US, is_certain: false };

/// All workflows.
pub(crate) const FLOWS: &[Flow] = &[
    row("set", ANY_WAY, &[], include_str!("set.yaml")),
    row("post", ANY_WAY, &["post"], include_str!("post.yaml")),
    row("five", ANY_WAY, &["five-1", "five-2", "five-3", "five-4", "five-5"], include_str!("five.yaml")),
    Flow { timer: Some(RETRY), ..row("retry", ANY_WAY, &["flaky"], include_str!("retry.yaml")) },
    Flow {
        timer: Some(Timer { since: Since::Outcome, delay_us: PAUSE_US, is_certain: true }),
        ..row("wait", ANY_WAY, &["late"], include_str!("wait.yaml"))
    },
    row("loop", ANY_WAY, &["loop-1", "loop-2", "loop-3"], include_str!("loop.yaml")),
    Flow {
        emits: &[Emits { kind: "crash.fanned", count: 1, starts: &["left", "right"] }],
        ..row("chain", ANY_WAY, &[], include_str!("chain.yaml"))
    },
    row("left", NO_WAY, &[], include_str!("left.yaml")),
    row("paged", NO_WAY, &["paged"], include_str!("paged.yaml")),
    row("keyed", NO_WAY, &["keyed"], include_str!("keyed.yaml")),
    row("every-all", NO_WAY, &["every-all"], include_str!("every-all.yaml")),
    row("cron-latest", NO_WAY, &["cron-latest"], include_str!("cron-latest.yaml")),
    row("every-skip", NO_WAY, &["every-skip"], include_str!("every-skip.yaml")),
    Flow {
        timer: Some(Timer { since: Since::Outcome, delay_us: ALONE_US, is_certain: true }),
        ..row("alone", NO_WAY, &["alone"], include_str!("alone.yaml"))
    },
    Flow {
        timer: Some(Timer { since: Since::Outcome, delay_us: PAUSE_US, is_certain: true }),
        ..row("queue", NO_WAY, &["queue"], include_str!("queue.yaml"))
    },
    row("sequence", NO_WAY, &["sequence"], include_str!("sequence.yaml")),
    row("sequence-then", NO_WAY, &["sequence-then"], include_str!("sequence-then.yaml")),
    row(OWN.name, NO_WAY, &["own"], include_str!("own.yaml")),
    row("right", NO_WAY, &["right"], include_str!("right.yaml")),
    Flow {
        // What it waits for between its calls, and before it tries again.
        timer: Some(Timer { is_certain: true, ..RETRY }),
        is_ordered: true,
        ..row(
            "ordered",
            &[Way::Webhook, Way::Event],
            &["ordered", "ordered-last"],
            include_str!("ordered.yaml"),
        )
    },
    Flow {
        is_ordered: true,
        ..row(PARKED, &[Way::Webhook, Way::Event], &["parked"], include_str!("parked.yaml"))
    },
    Flow {
        order: &[
            &["spread-1", "spread-after"],
            &["spread-2", "spread-2b", "spread-after"],
            &["spread-3", "spread-after"],
        ],
        ..row(
            "spread",
            ANY_WAY,
            &["spread-1", "spread-2", "spread-2b", "spread-3", "spread-after"],
            include_str!("spread.yaml"),
        )
    },
    Flow {
        order: &[&["race-fast", "race-after"], &["race-slow", "race-after"]],
        rivals: &["race-fast", "race-slow"],
        answered: (2, 2),
        children: &[Child { workflow: "loser", is_awaited: true, is_certain: true, until: "race-after" }],
        ..row("race", ANY_WAY, &["race-fast", "race-slow", "race-after"], include_str!("race.yaml"))
    },
    Flow {
        timer: Some(Timer { since: Since::Capture, delay_us: TIMEOUT_US, is_certain: true }),
        children: &[Child { workflow: "loser", is_awaited: true, is_certain: true, until: "deadline-after" }],
        ..row("deadline", ANY_WAY, &["deadline-after"], include_str!("deadline.yaml"))
    },
    Flow {
        answered: (0, 1),
        ends: "cancelled",
        children: &[Child { workflow: "leaf", is_awaited: true, is_certain: false, until: "" }],
        ..row("loser", NO_WAY, &["loser-begin"], include_str!("loser.yaml"))
    },
    Flow {
        answered: (0, 1),
        ends: "cancelled",
        ..row("leaf", NO_WAY, &["leaf-begin"], include_str!("leaf.yaml"))
    },
    Flow {
        tells: Some(("caught", "Broken")),
        children: &[
            Child { workflow: "child", is_awaited: true, is_certain: true, until: "family-after" },
            Child { workflow: "faulty", is_awaited: true, is_certain: true, until: "family-after" },
            Child { workflow: "free", is_awaited: false, is_certain: true, until: "" },
        ],
        ..row("family", ANY_WAY, &["family-after"], include_str!("family.yaml"))
    },
    row("child", NO_WAY, &["child"], include_str!("child.yaml")),
    Flow { ends: "faulted", ..row("faulty", NO_WAY, &["faulty"], include_str!("faulty.yaml")) },
    row("free", NO_WAY, &["free"], include_str!("free.yaml")),
    Flow {
        hears: Some(Hears { asks: "ask-call", kind: "crash.reply", says: &["ask-done"], is_certain: true }),
        ..row("ask", ANY_WAY, &["ask-call", "ask-done"], include_str!("ask.yaml"))
    },
    Flow {
        hears: Some(Hears {
            asks: "series-ask",
            kind: "crash.item",
            says: &["item-1", "item-2", "item-3"],
            is_certain: true,
        }),
        ..row("series", ANY_WAY, &["series-ask", "item-1", "item-2", "item-3"], include_str!("series.yaml"))
    },
    Flow {
        hears: Some(Hears { asks: "patience-ask", kind: "crash.sign", says: &["sign"], is_certain: false }),
        timer: Some(Timer { since: Since::Outcome, delay_us: PATIENCE_US, is_certain: false }),
        ..row("patience", ANY_WAY, &["patience-ask", "patience-after"], include_str!("patience.yaml"))
    },
    Flow {
        emits: &[Emits { kind: "crash.scattered", count: 3, starts: &["gather"] }],
        gathered: &["heap"],
        ..row("fan", ANY_WAY, &[], include_str!("fan.yaml"))
    },
    Flow { tells: Some(("numbers", "123")), ..row("heap", NO_WAY, &[], include_str!("heap.yaml")) },
    Flow {
        emits: &[
            Emits { kind: "crash.twin-a", count: 1, starts: &[] },
            Emits { kind: "crash.twin-b", count: 1, starts: &[] },
        ],
        gathered: &["joined"],
        ..row("twins", ANY_WAY, &[], include_str!("twins.yaml"))
    },
    row("joined", NO_WAY, &["joined"], include_str!("joined.yaml")),
    Flow {
        // Each of its jobs has one of them.
        order: &[&["gather-1"], &["gather-2"], &["gather-3"]],
        answered: (1, 1),
        ..row("gather", NO_WAY, &["gather-1", "gather-2", "gather-3"], include_str!("gather.yaml"))
    },
    Flow {
        has_credentials: true,
        tells: Some(("echo", "Bearer <secret:crash-bearer>")),
        timer: Some(RETRY),
        ..row("secret", ANY_WAY, &["secret"], include_str!("secret.yaml"))
    },
    row(
        "around",
        ANY_WAY,
        &["around-before", "around-main", "around-after", "around-last"],
        include_str!("around.yaml"),
    ),
];
