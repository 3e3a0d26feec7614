//! "Rules and their scenarios": the table in the guide that says where each rule of the language is tested.
//!
//! Made from the feature files, so that it cannot say anything else than what is run.

use super::feature::{self, Feature};
use crate::repository;
use anyhow::{Context, Result, bail, ensure};
use std::ops::{Range, RangeInclusive};

/// How many numbered rules the language has.
const RULES: RangeInclusive<u8> = 1..=26;

const BEGIN: &str = "<!-- rules: made by `cargo xtask generate` from tests/conformance; do not edit -->\n";
const END: &str = "<!-- /rules -->";

/// The guide's text with the table as it must be.
pub(crate) fn guide_with_table(guide: &str) -> Result<String> {
    let place = place(guide)?;
    let features = feature::read_folder(&repository::root().join("tests/conformance"))?;
    Ok(format!("{}{}{}", &guide[..place.start], table(&features)?, &guide[place.end..]))
}

fn place(guide: &str) -> Result<Range<usize>> {
    let found = guide.find(BEGIN).and_then(|begin| {
        let start = begin + BEGIN.len();
        Some(start..start + guide[start..].find(END)?)
    });
    found.with_context(|| format!("the guide lacks `{}` … `{END}`", BEGIN.trim_end()))
}

/// One row for each rule, then what is beside them; an error where a rule has no feature or two.
fn table(features: &[Feature]) -> Result<String> {
    let mut text = "| rule | scenarios |\n| --- | --- |\n".to_owned();
    for rule in RULES {
        let tag = format!("rule-{rule}");
        let mut tested = features.iter().filter(|feature| feature.tags.contains(&tag));
        let (Some(feature), None) = (tested.next(), tested.next()) else {
            bail!("rule {rule} must have one feature file with the tag @{tag}");
        };
        let prefix = format!("rule-{rule:02}-");
        ensure!(feature.file.starts_with(&prefix), "{} must be called {prefix}….feature", feature.file);
        row(&mut text, &format!("{rule}: {}", feature.name), feature);
    }
    for feature in features.iter().filter(|feature| !feature.file.starts_with("rule-")) {
        row(&mut text, &feature.name, feature);
    }
    Ok(text)
}

fn row(text: &mut String, name: &str, feature: &Feature) {
    let mut titles: Vec<String> =
        feature.scenarios.iter().map(|scenario| scenario.title.replace('|', "\\|")).collect();
    titles.dedup();
    let (file, titles) = (&feature.file, titles.join(" · "));
    text.extend(["| [", name, "](../tests/conformance/", file, ") | ", &titles, " |\n"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_feature() {
        let features = feature::read_folder(&repository::root().join("tests/conformance")).unwrap();
        let table = table(&features).unwrap();
        assert!(table.contains("| [26: ") && table.lines().count() >= 28, "{table}");
    }

    #[test]
    fn a_rule_without_a_feature_is_named() {
        assert!(table(&[]).unwrap_err().to_string().starts_with("rule 1 must have"));
    }

    #[test]
    fn the_place_of_the_table_is_found() {
        let guide = format!("# Guide\n{BEGIN}old\n{END}\nmore");
        assert_eq!(&guide[place(&guide).unwrap()], "old\n");
        assert!(place("# Guide").is_err());
    }
}
