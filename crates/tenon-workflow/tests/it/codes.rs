//! The list of codes.

use tenon_workflow::CODES;

#[test]
fn are_sorted_unique_and_explained() {
    for pair in CODES.windows(2) {
        assert!(pair[0].0 < pair[1].0, "{} comes before {}", pair[0].0, pair[1].0);
    }
    for (code, title, explanation) in CODES {
        let number: u32 = code.strip_prefix("TN").and_then(|number| number.parse().ok()).expect(code);
        assert!((1000..2000).contains(&number), "{code}");
        assert!(title.len() > 5 && explanation.len() > 20 && explanation.ends_with('.'), "{code}");
    }
}
