//! After a run that uses every kind of authentication, and secrets wherever they may be used, no secret and no token
//! is found anywhere: not in the data directory, the log, a trace, an event, a metric, an error or an answer; raw,
//! escaped, or encoded.

mod authority;
mod callee;
mod documents;
mod echo;
mod hunt;
mod search;
mod secrets;

use std::collections::HashMap;

use callee::Callee;
use hunt::Hunt;
use search::{Search, forms};
use secrets::{hunted, secrets};

/// Said as data: everybody may find it.
const PLANTED: &str = "planted-Value/77";

#[test]
fn no_secret_is_found_anywhere() {
    let callee = Callee::start();
    let secrets = secrets(&callee.home());
    let mut hunt = Hunt::start(&callee);
    hunt.refuses_documents();
    hunt.deploy();
    hunt.set(&secrets);
    hunt.run_all();
    hunt.cancel();
    hunt.plant(PLANTED);

    let shown = |callee: &Callee| callee.shown().into_iter().map(|text| ("shown".to_owned(), text));
    let mut all = hunted(&secrets);
    all.extend(hunt.keys());
    all.extend(shown(&callee));
    let search = Search::new(&all);
    let mut found = search.files(hunt.data(), &["owner.key"]);
    hunt.crash();
    hunt.look();
    let (home, texts) = hunt.stop();

    all.extend(shown(&callee));
    let search = Search::new(&all);
    found.extend(search.files(home.path(), &["owner.key", "master.key"]));
    found.extend(texts.iter().flat_map(|(place, text)| search.text(text, place)));
    for seen in callee.seen().iter().filter(|seen| seen.is_away) {
        found.extend(search.text(&seen.understood(), "a request to somebody else"));
    }
    let total = found.len();
    // A few of each secret are enough to look at.
    let mut shown = HashMap::new();
    found.retain(|found| {
        let times = shown.entry(found.split(" as ").next().unwrap_or_default().to_owned()).or_insert(0);
        *times += 1;
        *times <= 3
    });
    assert!(found.is_empty(), "{total} found:\n{}", found.join("\n"));

    reached(&callee, &secrets);
    the_search_can_find(&all, &home, &texts);
}

/// Every secret was really used.
fn reached(callee: &Callee, secrets: &[secrets::Secret]) {
    let understood: String = callee.seen().iter().map(echo::Seen::understood).collect();
    for secret in secrets.iter().filter(|secret| !["host"].contains(&secret.name)) {
        for text in secrets::texts(&secret.value) {
            let text = text.strip_prefix(&callee.home()).unwrap_or(&text);
            assert!(understood.contains(text), "the callee was never given {}: {text}", secret.name);
        }
    }
    assert!(callee.shown().len() > 20, "{:?}", callee.shown());
    assert!(callee.seen().iter().any(|seen| seen.is_away), "a redirect led elsewhere");
}

/// What is in the data, and what is written into a file, is found in every form.
fn the_search_can_find(all: &[(String, String)], home: &crate::sandbox::Sandbox, texts: &[(String, String)]) {
    let search = Search::new(all);
    for (name, text) in all {
        for form in forms(text) {
            assert!(!search.text(&format!("a {form} b"), "").is_empty(), "{name} as {form}");
        }
    }
    let planted = Search::new(&[("planted".to_owned(), PLANTED.to_owned())]);
    let places: Vec<&str> = texts
        .iter()
        .filter(|(_, text)| !planted.text(text, "").is_empty())
        .map(|(place, _)| place.as_str())
        .collect();
    for expected in
        ["/api/v1/jobs/", "/trace", "/journal", "/api/v1/events", "tenon job show", "tenon job trace"]
    {
        assert!(places.iter().any(|place| place.contains(expected)), "{expected} is not in {places:#?}");
    }
    assert_ne!(
        planted.files(&home.path().join(".local/share/tenon"), &[]).len(),
        0,
        "types are in the clear"
    );
    home.write("proof", &format!("a {} b", all[0].1));
    assert_ne!(search.files(&home.path().join("work"), &[]).len(), 0);
    assert_ne!(search.files(home.path(), &["work"]).len(), 0, "the keys are in their files");
}
