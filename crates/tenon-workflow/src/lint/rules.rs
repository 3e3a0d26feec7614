//! The rules, as a table.

use super::Linter;
use crate::codes;
use crate::diagnostic::Severity;
use crate::diagnostic::Severity::{Error, Information, Warning};

/// A rule of the linter. What it is about is in [`CODES`](crate::CODES) and in `docs/lint.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LintRule {
    /// Its code.
    pub code: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// Whether [`fix`](crate::fix) can mend it.
    pub is_fixable: bool,
}

const fn rule(code: &'static str, severity: Severity) -> LintRule {
    LintRule { code, severity, is_fixable: false }
}

const fn fixable(code: &'static str, severity: Severity) -> LintRule {
    LintRule { code, severity, is_fixable: true }
}

/// Every rule, sorted by code.
pub const LINT_RULES: &[LintRule] = &[
    rule(codes::LINT_UNREACHABLE, Warning),
    rule(codes::LINT_FALL_INTO, Warning),
    fixable(codes::LINT_UNUSED, Warning),
    rule(codes::LINT_RETRY_UNSAFE, Warning),
    rule(codes::LINT_STEP_NAME, Warning),
    rule(codes::LINT_NO_TIMEOUT, Warning),
    rule(codes::LINT_LITERAL_EXPRESSION, Warning),
    rule(codes::LINT_RETRY_FOREVER, Warning),
    rule(codes::LINT_ENDLESS_LOOP, Warning),
    rule(codes::LINT_BUSY_LOOP, Error),
    rule(codes::LINT_CASE_REPEATED, Warning),
    rule(codes::LINT_CASE_UNREACHABLE, Warning),
    rule(codes::LINT_CONSTANT_CONDITION, Warning),
    rule(codes::LINT_THEN_AFTER_RAISE, Information),
    fixable(codes::LINT_THEN_CONTINUE, Information),
    rule(codes::LINT_EMPTY_BLOCK, Warning),
    rule(codes::LINT_STEP_AMBIGUOUS, Warning),
    rule(codes::LINT_CONTEXT_DROPPED, Warning),
    rule(codes::LINT_CONTEXT_NEVER, Warning),
    rule(codes::LINT_CONTEXT_RACE, Warning),
    rule(codes::LINT_ALWAYS_NULL, Warning),
    rule(codes::LINT_EVENTS_ARE_A_LIST, Warning),
    rule(codes::LINT_EVENT_DATA_TWICE, Warning),
    rule(codes::LINT_UNFIT_DATA, Warning),
    rule(codes::LINT_EXPRESSION_FAILS, Error),
    rule(codes::LINT_EXPRESSION_MAY_FAIL, Warning),
    rule(codes::LINT_COMPARISON, Warning),
    rule(codes::LINT_ASSIGNMENT, Error),
    rule(codes::LINT_NOT_ONE_RESULT, Error),
    rule(codes::LINT_MANY_RESULTS, Warning),
    rule(codes::LINT_FOR_NO_LIST, Error),
    rule(codes::LINT_VARIABLE_UNUSED, Warning),
    rule(codes::LINT_VARIABLE_HIDES, Warning),
    rule(codes::LINT_FORK_OF_ONE, Warning),
    rule(codes::LINT_COMPETE_ACTS, Warning),
    rule(codes::LINT_CATCH_SILENT, Warning),
    rule(codes::LINT_CATCH_NEVER, Warning),
    rule(codes::LINT_ERROR_TYPE, Warning),
    rule(codes::LINT_ERROR_STATUS, Warning),
    fixable(codes::LINT_ERROR_TYPE_OLD, Information),
    fixable(codes::LINT_RETRY_DEFAULT, Information),
    rule(codes::LINT_RETRY_NEVER, Warning),
    rule(codes::LINT_RETRY_HOLDS_LANE, Warning),
    rule(codes::LINT_WAIT_HOLDS_LANE, Warning),
    rule(codes::LINT_CREDENTIAL_LITERAL, Warning),
    rule(codes::LINT_CREDENTIAL_FROM_DATA, Warning),
    rule(codes::LINT_SECRET_IN_ADDRESS, Warning),
    rule(codes::LINT_PLAIN_HTTP, Warning),
    rule(codes::LINT_CALL_TIMEOUT, Information),
    rule(codes::LINT_LISTEN_TIMEOUT, Information),
    rule(codes::LINT_REDIRECT_RESULT, Warning),
    rule(codes::LINT_BODY_OF_GET, Warning),
    rule(codes::LINT_HEADER_TWICE, Warning),
    rule(codes::LINT_KEY_LITERAL, Warning),
    rule(codes::LINT_ZERO_DURATION, Warning),
    rule(codes::LINT_WAIT_TOO_LONG, Warning),
    rule(codes::LINT_TIMEOUT_USELESS, Warning),
    rule(codes::LINT_DEDUP_WITHOUT_KEY, Warning),
    rule(codes::LINT_DEDUP_WITHOUT_EVENTS, Warning),
    rule(codes::LINT_CONSTANT_KEY, Warning),
    rule(codes::LINT_ON_FAILURE_WITHOUT_ORDER, Warning),
    rule(codes::LINT_ORDER_OF_ONE, Information),
    rule(codes::LINT_EMIT_LOOP, Warning),
    rule(codes::LINT_RUN_ITSELF, Warning),
    rule(codes::LINT_CORRELATION_ALONE, Warning),
    rule(codes::LINT_NAME_STYLE, Information),
    rule(codes::LINT_NAME_DIRECTIVE, Warning),
    rule(codes::LINT_NO_TITLE, Information),
    fixable(codes::LINT_DSL_OLD, Information),
];

pub(super) fn severity(code: &str) -> Severity {
    let found = LINT_RULES.binary_search_by(|rule| rule.code.cmp(code));
    found.map_or(Warning, |at| LINT_RULES[at].severity)
}

/// What is done, one after the other. One pass may report for several rules.
pub(super) const PASSES: &[fn(&mut Linter<'_>)] = &[
    |linter| linter.unreachable_tasks(),
    |linter| linter.cases_that_run_into_each_other(),
    |linter| linter.endless_loops(),
    |linter| linter.directions(),
    |linter| linter.empty_blocks(),
    |linter| linter.switches(),
    |linter| linter.conditions(),
    |linter| linter.expressions(),
    |linter| linter.loops(),
    |linter| linter.loop_variables(),
    |linter| linter.step_names(),
    |linter| linter.context(),
    |linter| linter.texts_like_expressions(),
    |linter| linter.unused_definitions(),
    |linter| linter.forks(),
    |linter| linter.catches(),
    |linter| linter.error_types(),
    |linter| linter.retries(),
    |linter| linter.credentials(),
    |linter| linter.calls(),
    |linter| linter.times(),
    |linter| linter.settings(),
    |linter| linter.events(),
    |linter| linter.style(),
];
