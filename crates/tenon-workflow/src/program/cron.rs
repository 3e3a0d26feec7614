//! Cron expressions with a time zone, right also on the days on which the clock is changed.
//!
//! The expression says times on the wall. Where it names hours (`30 2 * * *`), each of its times happens once on each
//! of its days: one that the clock leaps over happens as much later as the clock leaps (02:30 becomes 03:30), one
//! that comes twice happens the first time. Where it means every hour, the wall is followed as it is, so that the
//! steps stay even. What is looked for is found between two changes of the clock, where wall and time run alike.

use std::sync::LazyLock;

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::diagnostic::{nearest, quote};

/// Zones as this version of Tenon knows them, the same on every machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Changes of the clock that are looked through; more than a pattern that fires at all can need.
const MAX_SEGMENTS: usize = 1_000;
/// A text longer than this is no cron expression.
const MAX_TEXT: usize = 256;
const DAY: i64 = 86_400;
const MICROS: i64 = 1_000_000;

/// A time zone.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    pattern: croner::Cron,
    zone: Zone,
    is_every_hour: bool,
}

/// Why a text is not usable, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CalendarError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A stretch of time without a change of the clock, in seconds.
struct Segment {
    start: i64,
    /// Exclusive.
    end: i64,
    /// Of the wall from the time.
    offset: i64,
    /// The same before `start`.
    before: i64,
}

// === impl Zone ===

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// A zone of the IANA database.
    pub fn named(name: &str) -> Result<Self, CalendarError> {
        if name.len() <= 64
            && let Ok(zone) = ZONES.get(name)
        {
            let name = zone.iana_name().unwrap_or(name).to_owned();
            return Ok(Self { name, zone });
        }
        let message = format!("there is no time zone `{}`", quote(name));
        let hint = match near_zone(name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the IANA database, such as `Europe/Berlin`, or `UTC`".to_owned(),
        };
        Err(CalendarError { message, hint: Some(hint) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn near_zone(written: &str) -> Option<String> {
    if written.is_empty() || written.len() > 64 {
        return None;
    }
    let names: Vec<String> = ZONES.available().map(|name| name.as_str().to_owned()).collect();
    let place = |name: &str| name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let wanted = place(&written.replace(' ', "_"));
    let same_place = names.iter().find(|name| name.contains('/') && place(name) == wanted);
    same_place.cloned().or_else(|| nearest(written, names.iter().map(String::as_str)).map(str::to_owned))
}

// === impl Cron ===

impl Cron {
    /// Reads five fields (minute, hour, day of the month, month, day of the week) or six (seconds first). What never
    /// happens is refused.
    pub fn parse(text: &str, zone: Zone) -> Result<Self, CalendarError> {
        let refuse = |message: String, hint: &str| CalendarError { message, hint: Some(hint.to_owned()) };
        let shape = "five fields, `minute hour day month weekday`, or six with seconds first: `*/5 * * * *`";
        let count = text.split_whitespace().count();
        if text.len() > MAX_TEXT
            || !(count == 5 || count == 6 || (count == 1 && text.trim().starts_with('@')))
        {
            let message = format!("`{}` is not a cron expression: it has {count} fields", quote(text));
            return Err(refuse(message, shape));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let pattern = parser.parse(text).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.trim_end_matches('.');
            refuse(format!("`{}` is not a cron expression: {reason}", quote(text)), shape)
        })?;
        let is_every_hour = pattern.pattern.hours.values().len() == 24;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cron = Self { text, pattern, zone, is_every_hour };
        if cron.next_wall(NEW_YEAR_2000).is_none() {
            let message = format!("`{}` never happens", quote(&cron.text));
            return Err(refuse(message, "no year has such a day: check day and month"));
        }
        Ok(cron)
    }

    /// As written, with single spaces.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name of its time zone.
    pub fn zone(&self) -> &str {
        &self.zone.name
    }

    /// The first occurrence later than a moment, both in microseconds since 1970.
    pub fn next_after(&self, moment: i64) -> Option<i64> {
        let mut after = moment.div_euclid(MICROS);
        for _ in 0..MAX_SEGMENTS {
            let segment = self.segment(after + 1)?;
            let found = self.next_in(&segment, after)?;
            if found < segment.end {
                return found.checked_mul(MICROS);
            }
            // No wall time before the one that was found fits, so most of what lies between need not be looked at.
            after = (segment.end - 1).max(found - 2 * DAY);
        }
        None
    }

    /// The first occurrence later than `after`, as if the segment never ended.
    fn next_in(&self, segment: &Segment, after: i64) -> Option<i64> {
        let Segment { start, offset, before, .. } = *segment;
        if self.is_every_hour || before == offset {
            return Some(self.next_wall(after + offset)? - offset);
        }
        if before > offset {
            // The wall shows `start + offset .. start + before` for the second time.
            return Some(self.next_wall((after + offset).max(start + before - 1))? - offset);
        }
        let plain = self.next_wall(after + offset)? - offset;
        // The wall never shows `start + before .. start + offset`; what is there happens as much later.
        let leapt =
            self.next_wall((after + before).max(start + before - 1)).filter(|wall| *wall < start + offset);
        Some(leapt.map_or(plain, |wall| plain.min(wall - before)))
    }

    fn segment(&self, second: i64) -> Option<Segment> {
        let zone = &self.zone.zone;
        let at = Timestamp::from_second(second).ok()?;
        let offset = i64::from(zone.to_offset(at).seconds());
        let end = zone.following(at).next().map_or(i64::MAX, |change| change.timestamp().as_second());
        // `preceding` does not give a change at the moment itself.
        let later = Timestamp::from_second(second + 1).ok()?;
        let start = zone.preceding(later).next().map(|change| change.timestamp());
        let before = start
            .and_then(|start| Timestamp::from_second(start.as_second() - 1).ok())
            .map_or(offset, |moment| i64::from(zone.to_offset(moment).seconds()));
        Some(Segment { start: start.map_or(i64::MIN / 4, Timestamp::as_second), end, offset, before })
    }

    /// The first time on the wall later than this one, in seconds as if the wall were in UTC.
    fn next_wall(&self, wall: i64) -> Option<i64> {
        let wall = Timestamp::from_second(wall).ok()?.to_zoned(TimeZone::UTC);
        let found = self.pattern.find_next_occurrence(&wall, false).ok()?;
        Some(found.timestamp().as_second())
    }
}

const NEW_YEAR_2000: i64 = 946_684_800;
