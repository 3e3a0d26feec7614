//! A hundred schedules with random policies over simulated days, with crashes at any moment: each occurrence is fired
//! once or noted as missed, and which of the two is what its policy promises.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use tenon_store::{NoteKind, Resource, Timestamp};
use tenon_workflow::{Cron, Timing, Zone};

use crate::world::{Life, World, at};

const SCHEDULES: usize = 100;
const LIVES: usize = 12;
const SEED: u64 = 20_270_328;

/// A random number generator; the same seed gives the same world.
struct Random(u64);

struct Scheduled {
    name: String,
    timing: Timing,
    missed: &'static str,
    resource: Resource,
}

/// A stretch of time in which nobody was there to fire.
#[derive(Debug, Clone, Copy)]
struct Gap {
    /// All before it was done.
    done: Timestamp,
    /// What comes from here on is on time again.
    up: Timestamp,
}

// === impl Random ===

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

async fn deploy(life: &mut Life, random: &mut Random, number: usize) -> Scheduled {
    let missed = random.pick(&["skip", "latest", "all"]);
    let mut document = json!({
        "kind": "schedule", "missed": missed, "emits": { "type": "due", "subject": "${ .occurrence }" },
    });
    let timing = if random.below(2) == 0 {
        let seconds = 300 + random.below(3_000);
        document["every"] = format!("PT{seconds}S").into();
        Timing::Every(Duration::from_secs(seconds))
    } else {
        let cron =
            random.pick(&["*/10 * * * *", "30 */2 * * *", "15,45 2 * * *", "0 0 3 * * *", "7 * * * SUN"]);
        let zone = random.pick(&["Europe/Berlin", "America/New_York", "UTC"]);
        (document["cron"], document["timeZone"]) = (cron.into(), zone.into());
        let zone = Zone::named(zone).expect("a zone");
        Timing::Cron(Box::new(Cron::parse(cron, zone).expect("a cron expression")))
    };
    let name = format!("s{number}");
    let resource = life.trigger(&name, document).await;
    Scheduled { name, timing, missed, resource }
}

/// Turns, and perhaps dies in the middle of one.
async fn turn_until_killed(life: &mut Life, patience: u64) -> bool {
    let killed = async {
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = killed => true,
        () = life.settle() => false,
    }
}

/// All occurrences after `anchor`, up to `end`.
fn occurrences(timing: &Timing, anchor: Timestamp, end: Timestamp) -> Vec<Timestamp> {
    let later = |moment: &i64| timing.next_after(anchor.0, *moment);
    let all = std::iter::successors(timing.first(anchor.0), later);
    all.take_while(|moment| *moment <= end.0).map(Timestamp).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_occurrence_is_fired_once_or_missed_as_promised() {
    println!("seed {SEED}");
    let mut random = Random(SEED);
    let world = World::new();
    // The clock goes forward in Berlin in the second night.
    let anchor = at("2027-03-27T12:00:00Z");
    let mut life = world.start(anchor).await;
    let mut schedules = Vec::new();
    for number in 0..SCHEDULES {
        schedules.push(deploy(&mut life, &mut random, number).await);
    }
    life.settle().await;
    let mut gaps = Vec::new();
    for _ in 0..LIVES {
        life.pass(Duration::from_secs(600 + random.below(7_200))).await;
        let done = life.clock.now();
        // Then something comes due, and the process dies while it is at it, or before, or after.
        life.clock.advance(Duration::from_secs(random.below(9)));
        let patience = random.below(400);
        turn_until_killed(&mut life, patience).await;
        let died = life.die().await;
        let up = died.after(Duration::from_secs(random.below(4) * random.below(3_000)));
        life = world.start(up).await;
        life.settle().await;
        gaps.push(Gap { done, up });
    }
    life.pass(Duration::from_mins(30)).await;
    for schedule in &schedules {
        check(&life, schedule, (anchor, life.clock.now()), &gaps).await;
    }
}

async fn check(life: &Life, schedule: &Scheduled, (anchor, end): (Timestamp, Timestamp), gaps: &[Gap]) {
    let Scheduled { name, timing, missed, resource } = schedule;
    let mut fired: BTreeMap<Timestamp, usize> = BTreeMap::new();
    for event in life.events(&format!("/triggers/{name}")).await {
        let occurrence = at(event.subject.as_deref().expect("it has one"));
        assert!(event.captured_at >= occurrence, "{name}: early");
        *fired.entry(occurrence).or_default() += 1;
    }
    let noted: Vec<Timestamp> =
        life.notes(resource, NoteKind::Missed).await.iter().map(|note| note.at).collect();
    let missing: BTreeSet<Timestamp> = noted.iter().copied().collect();
    assert_eq!(missing.len(), noted.len(), "{name}: noted twice");
    let expected = occurrences(timing, anchor, end);
    for occurrence in &expected {
        let times =
            fired.get(occurrence).copied().unwrap_or_default() + usize::from(missing.contains(occurrence));
        assert_eq!(times, 1, "{name} ({missed}): {occurrence:?} was fired or noted {times} times");
    }
    assert_eq!(fired.len() + missing.len(), expected.len(), "{name}: something that was not due");
    for (place, occurrence) in expected.iter().enumerate() {
        let gap = gaps.iter().find(|gap| gap.done < *occurrence && *occurrence < gap.up);
        let is_fired = fired.contains_key(occurrence);
        match (*missed, gap) {
            ("all", _) | (_, None) => assert!(is_fired, "{name} ({missed}): {occurrence:?} was missed"),
            // A crash came after it was fired, or before: both are right. What came while nobody was there is not fired.
            ("skip", Some(_)) => {}
            (_, Some(gap)) => {
                let next = expected.get(place + 1).copied();
                let is_newest = next.is_none_or(|next| next > gap.up);
                assert!(
                    is_fired || !is_newest,
                    "{name} ({missed}): the newest, {occurrence:?}, was not made up for"
                );
            }
        }
        if let (Some(gap), false) = (gap, *missed == "all") {
            let next_is_too = expected.get(place + 1).is_some_and(|next| *next < gap.up);
            let after_the_crash = occurrence.0 > gap.done.0 + 9_000_000;
            let may_fire = !after_the_crash || (*missed == "latest" && !next_is_too);
            assert!(may_fire || !is_fired, "{name} ({missed}): {occurrence:?} was made up for");
        }
    }
}
