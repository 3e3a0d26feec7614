//! Cron expressions in words, where few words say exactly the same. What is rarer is better read as it was written.

use super::words::{Words, text};

/// More times of the day, or days of the month, are no easier to read than the expression.
const MOST: usize = 6;
const DAYS: [(&str, &str); 7] = [
    ("SUN", "Sundays"),
    ("MON", "Mondays"),
    ("TUE", "Tuesdays"),
    ("WED", "Wednesdays"),
    ("THU", "Thursdays"),
    ("FRI", "Fridays"),
    ("SAT", "Saturdays"),
];
const MONTHS: [(&str, &str); 12] = [
    ("JAN", "January"),
    ("FEB", "February"),
    ("MAR", "March"),
    ("APR", "April"),
    ("MAY", "May"),
    ("JUN", "June"),
    ("JUL", "July"),
    ("AUG", "August"),
    ("SEP", "September"),
    ("OCT", "October"),
    ("NOV", "November"),
    ("DEC", "December"),
];

/// A cron expression in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    text: String,
    /// Whether it names times or days, which are those of a time zone.
    pub(super) has_zone: bool,
}

/// Times of the day.
enum Clock {
    /// `every 5 minutes`, all day; the zone does not matter.
    Steps(String),
    /// `every hour from 08:00 to 17:00`.
    Within(String),
    /// `at 07:00 and 19:00`.
    At(String),
}

/// The five fields.
struct Fields<'a> {
    minute: &'a str,
    hour: &'a str,
    day: &'a str,
    month: &'a str,
    weekday: &'a str,
}

/// `every day at 07:00`; nothing if it is not one of the common forms.
pub(super) fn told(cron: &str) -> Option<Told> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let (minute, hour, day, month, weekday) = match *fields.as_slice() {
        ["@hourly"] => ("0", "*", "*", "*", "*"),
        ["@daily" | "@midnight"] => ("0", "0", "*", "*", "*"),
        ["@weekly"] => ("0", "0", "*", "*", "0"),
        ["@monthly"] => ("0", "0", "1", "*", "*"),
        ["@yearly" | "@annually"] => ("0", "0", "1", "1", "*"),
        [second, "*", "*", "*", "*", "*"] if second != "0" => return seconds(second),
        ["0", minute, hour, day, month, weekday] | [minute, hour, day, month, weekday] => {
            (minute, hour, day, month, weekday)
        }
        _ => return None,
    };
    let fields = Fields { minute, hour, day, month, weekday };
    let days = fields.days()?;
    let (text, has_zone) = match (fields.clock()?, days) {
        (Clock::Steps(every), None) => (every, false),
        (Clock::Within(every), None) => (every, true),
        (Clock::Steps(every) | Clock::Within(every), Some(days)) => (format!("{every}, {days}"), true),
        (Clock::At(times), None) => (format!("every day {times}"), true),
        (Clock::At(times), Some(days)) => (format!("{days} {times}"), true),
    };
    Some(Told { text, has_zone })
}

fn seconds(field: &str) -> Option<Told> {
    let text = match step(field, 60)? {
        1 => "every second".to_owned(),
        step => format!("every {step} seconds"),
    };
    Some(Told { text, has_zone: false })
}

// === impl Told ===

impl Told {
    /// As the beginning of a sentence.
    pub(super) fn words(&self, zone: &str) -> Words {
        let (first, rest) = self.text.split_once(' ').unwrap_or((&self.text, ""));
        let mut letters = first.chars();
        let first: String =
            letters.next().iter().flat_map(|letter| letter.to_uppercase()).chain(letters).collect();
        let words = text("").strong(first).text(format!(" {rest}"));
        if self.has_zone { words.text(format!(" {zone}")) } else { words }
    }
}

// === impl Fields ===

impl Fields<'_> {
    fn clock(&self) -> Option<Clock> {
        let Self { minute, hour, .. } = *self;
        if hour == "*" {
            return Some(Clock::Steps(match (step(minute, 60), minute) {
                (Some(1), _) => "every minute".to_owned(),
                (Some(step), _) => format!("every {step} minutes"),
                (None, "0") => "every hour".to_owned(),
                (None, _) => format!("every hour at {} minutes past", number(minute, 0..=59)?),
            }));
        }
        if let Some((first, last)) = hour.split_once('-') {
            let (first, last) = (number(first, 0..=23)?, number(last, 0..=23)?);
            if first >= last {
                return None;
            }
            let (every, from, to) = match step(minute, 60) {
                Some(1) => ("every minute".to_owned(), 0, 59),
                Some(step) => (format!("every {step} minutes"), 0, 60 - step),
                None => number(minute, 0..=59).map(|minute| ("every hour".to_owned(), minute, minute))?,
            };
            return Some(Clock::Within(format!("{every} from {first:02}:{from:02} to {last:02}:{to:02}")));
        }
        if let Some(step) = step(hour, 24) {
            let minute = number(minute, 0..=59)?;
            return Some(Clock::Within(format!("every {step} hours from 00:{minute:02} on")));
        }
        let (minutes, hours) = (numbers(minute, 0..=59)?, numbers(hour, 0..=23)?);
        if minutes.len() * hours.len() > MOST {
            return None;
        }
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (hour, minute)));
        let times: Vec<String> = times.map(|(hour, minute)| format!("{hour:02}:{minute:02}")).collect();
        Some(Clock::At(format!("at {}", and(&times))))
    }

    /// `on weekdays`; nothing within if all days are meant.
    #[expect(clippy::option_option, reason = "not to be said, and nothing to say, are different")]
    fn days(&self) -> Option<Option<String>> {
        let is_any = |field: &str| matches!(field, "*" | "?");
        let Self { day, month, weekday, .. } = *self;
        match (is_any(day), is_any(month), is_any(weekday)) {
            (true, true, true) => Some(None),
            (true, true, false) => weekdays(weekday).map(Some),
            (false, true, true) if day == "L" => Some(Some("on the last day of every month".to_owned())),
            (false, true, true) => {
                let days = numbers(day, 1..=31)?;
                let days: Vec<String> = days.into_iter().map(ordinal).collect();
                Some(Some(format!("on the {} of every month", and(&days))))
            }
            (false, false, true) => {
                let (day, month) = (number(day, 1..=31)?, named(month, &MONTHS, 1)?);
                let (_, month) = MONTHS.get(usize::from(month).checked_sub(1)?)?;
                Some(Some(format!("every year on {day} {month}")))
            }
            // If both kinds of days are given, either is enough.
            _ => None,
        }
    }
}

fn weekdays(field: &str) -> Option<String> {
    let mut days = Vec::new();
    for part in field.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (named(first, &DAYS, 0)?, named(last, &DAYS, 0)?);
        if first > last || last > 7 {
            return None;
        }
        days.extend(first..=last);
    }
    // Monday first; 7 is Sunday, too.
    for day in &mut days {
        *day = (*day + 6) % 7;
    }
    days.sort_unstable();
    days.dedup();
    Some(match *days.as_slice() {
        [0, 1, 2, 3, 4] => "on weekdays".to_owned(),
        [5, 6] => "on Saturdays and Sundays".to_owned(),
        [0, 1, 2, 3, 4, 5, 6] => return None,
        _ => {
            let names: Vec<&str> = days.iter().map(|day| DAYS[usize::from((day + 1) % 7)].1).collect();
            format!("on {}", and(&names))
        }
    })
}

/// `*` and `*/n` where the steps stay even.
fn step(field: &str, whole: u8) -> Option<u8> {
    if field == "*" {
        return Some(1);
    }
    let step = number(field.strip_prefix("*/")?, 1..=whole)?;
    (whole.is_multiple_of(step) && step < whole).then_some(step)
}

/// A few numbers, in order.
fn numbers(field: &str, bounds: std::ops::RangeInclusive<u8>) -> Option<Vec<u8>> {
    let numbers: Option<Vec<u8>> = field.split(',').map(|part| number(part, bounds.clone())).collect();
    let mut numbers = numbers.filter(|numbers| numbers.len() <= MOST)?;
    numbers.sort_unstable();
    numbers.dedup();
    Some(numbers)
}

fn number(text: &str, bounds: std::ops::RangeInclusive<u8>) -> Option<u8> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && bounds.contains(number))
}

/// A number or the name of a day or month.
fn named(text: &str, names: &[(&str, &str)], first: u8) -> Option<u8> {
    let place = names.iter().position(|(short, _)| short.eq_ignore_ascii_case(text));
    match place {
        Some(place) => u8::try_from(place).ok().map(|place| place + first),
        None => number(text, 0..=12),
    }
}

fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number / 10) {
        (1, 0 | 2 | 3) => "st",
        (2, 0 | 2) => "nd",
        (3, 0 | 2) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `a, b and c`
fn and(items: &[impl AsRef<str>]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cron: &str, expected: &str) {
        let told = told(cron).unwrap_or_else(|| panic!("`{cron}` is not told"));
        let zone = if told.has_zone { " Z" } else { "" };
        assert_eq!(format!("{}{zone}", told.text), expected, "{cron}");
    }

    #[test]
    fn common_forms_are_told() {
        for (cron, expected) in [
            ("* * * * *", "every minute"),
            ("*/5 * * * *", "every 5 minutes"),
            ("*/10 * * * * *", "every 10 seconds"),
            ("* * * * * *", "every second"),
            ("0 * * * *", "every hour"),
            ("@hourly", "every hour"),
            ("30 * * * *", "every hour at 30 minutes past"),
            ("0 */2 * * *", "every 2 hours from 00:00 on Z"),
            ("15 */6 * * *", "every 6 hours from 00:15 on Z"),
            ("0 7 * * *", "every day at 07:00 Z"),
            ("0 0 7 * * *", "every day at 07:00 Z"),
            ("@daily", "every day at 00:00 Z"),
            ("30 7,19 * * *", "every day at 07:30 and 19:30 Z"),
            ("0,30 12 * * ?", "every day at 12:00 and 12:30 Z"),
            ("0 9 * * 1-5", "on weekdays at 09:00 Z"),
            ("0 9 * * mon-FRI", "on weekdays at 09:00 Z"),
            ("0 9 * * 6,0", "on Saturdays and Sundays at 09:00 Z"),
            ("0 9 * * 6-7", "on Saturdays and Sundays at 09:00 Z"),
            ("0 9 * * 1,4", "on Mondays and Thursdays at 09:00 Z"),
            ("@weekly", "on Sundays at 00:00 Z"),
            ("*/15 8-17 * * 1-5", "every 15 minutes from 08:00 to 17:45, on weekdays Z"),
            ("0 8-17 * * *", "every hour from 08:00 to 17:00 Z"),
            ("*/5 * * * 1-5", "every 5 minutes, on weekdays Z"),
            ("0 6 1,15 * *", "on the 1st and 15th of every month at 06:00 Z"),
            ("0 6 2,3,22,31 * *", "on the 2nd, 3rd, 22nd and 31st of every month at 06:00 Z"),
            ("0 6 11,12,13 * *", "on the 11th, 12th and 13th of every month at 06:00 Z"),
            ("0 6 L * *", "on the last day of every month at 06:00 Z"),
            ("0 6 24 12 *", "every year on 24 December at 06:00 Z"),
            ("@yearly", "every year on 1 January at 00:00 Z"),
        ] {
            check(cron, expected);
        }
    }

    #[test]
    fn what_is_rarer_is_not_told() {
        for cron in [
            "*/7 * * * *",
            "*/40 * * * *",
            "0 */5 * * *",
            "0 9 1 * 1",
            "0 9 * 1 *",
            "0 9 * * 1#2",
            "0 9 15W * *",
            "0 9 1 1,7 *",
            "5/10 * * * *",
            "1-5 9 * * *",
            "15 30 9 * * *",
            "0,10,20,30 1,2 * * *",
            "0 22-2 * * *",
            "@reboot",
            "0 9 * * 5-1",
            "0 9 1 0 *",
            "+5 9 * * *",
            "",
        ] {
            assert_eq!(told(cron), None, "{cron}");
        }
    }
}
