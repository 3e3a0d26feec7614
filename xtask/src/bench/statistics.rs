//! Medians, and whether two series of rounds differ.

/// Two-sided 97.5 % points of Student's t for 1 to 30 degrees of freedom.
const STUDENT_T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const STUDENT_T_LIMIT: f64 = 1.96;

/// The middle value, or the mean of the two middle ones; 0 of nothing.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

/// How much larger one series is than another, pair by pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub(super) mean: f64,
    /// The 95 % confidence interval.
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The ratio of pairs (old, new), on a logarithmic scale. At least two pairs are needed.
pub(super) fn ratio(pairs: &[(f64, f64)]) -> Option<Ratio> {
    let count = pairs.len();
    if count < 2 || pairs.iter().any(|(old, new)| *old <= 0.0 || *new <= 0.0) {
        return None;
    }
    let logs: Vec<f64> = pairs.iter().map(|(old, new)| (new / old).ln()).collect();
    let mean = logs.iter().sum::<f64>() / count as f64;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
    let t = STUDENT_T.get(count - 2).copied().unwrap_or(STUDENT_T_LIMIT);
    let half = t * (variance / count as f64).sqrt();
    Some(Ratio { mean: mean.exp(), low: (mean - half).exp(), high: (mean + half).exp() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).abs() < 1e-9);
    }

    #[test]
    fn a_clear_difference_excludes_one() {
        let ratio = ratio(&[(100.0, 120.0), (101.0, 121.0), (99.0, 119.5), (100.0, 120.5)]).unwrap();
        assert!(ratio.low > 1.15 && ratio.high < 1.25 && ratio.low < ratio.mean && ratio.mean < ratio.high);
    }

    #[test]
    fn noise_includes_one() {
        let ratio = ratio(&[(100.0, 120.0), (120.0, 100.0), (90.0, 95.0), (95.0, 90.0)]).unwrap();
        assert!(ratio.low < 1.0 && ratio.high > 1.0);
    }

    #[test]
    fn one_pair_says_nothing() {
        assert_eq!(ratio(&[(1.0, 2.0)]), None);
    }
}
