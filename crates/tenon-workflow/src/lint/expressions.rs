//! Expressions that cannot give what is asked of them.

use tenon_expr::tree::{Operator, Tree};

use super::flowing::Flowing;
use super::infer::{Inference, Sort, Trouble, Variables};
use super::kinds::{Kinds, Known};
use super::site::Site;
use super::{Linter, results};
use crate::codes;

/// What is known of an expression without running it.
#[derive(Debug)]
pub(super) struct Meaning {
    pub(super) known: Known,
    /// What is known of it wherever it stands.
    pub(super) anywhere: Known,
    pub(super) troubles: Vec<Trouble>,
}

/// Errors stop a deploy, so they must follow from the expression alone; what flow adds is advice.
pub(super) fn meanings(flowing: &Flowing<'_>, sites: &[Site<'_>]) -> Vec<Meaning> {
    let meaning = |site: &Site<'_>| {
        let scope = flowing.variables(site);
        let mut here = Inference::new(&scope);
        let mut known = here.infer(&site.tree, &flowing.dot(site));
        if known.kinds.has(Kinds::NUMBER) && may_be_infinite(&site.tree) {
            known = known.join(Known::only(Kinds::NULL));
        }
        let mut alone = Inference::new(&Anything);
        let anywhere = alone.infer(&site.tree, &Known::any());
        let mut troubles = here.troubles;
        for trouble in &mut troubles {
            if trouble.sort == Sort::Fails && !alone.troubles.contains(trouble) {
                trouble.sort = Sort::Unfit;
            }
        }
        Meaning { known, anywhere, troubles }
    };
    sites.iter().map(meaning).collect()
}

/// Whether a number in it may be one that JSON cannot hold: it leaves the expression as null.
fn may_be_infinite(tree: &Tree) -> bool {
    let own = match tree {
        Tree::Pair(operator, ..) => {
            matches!(operator, Operator::Divide | Operator::Multiply | Operator::Remainder | Operator::Update)
        }
        Tree::Call(name, _) => INFINITE.contains(&name.as_str()),
        _ => false,
    };
    own || tree.children().into_iter().any(may_be_infinite)
}

const INFINITE: [&str; 11] =
    ["tonumber", "fromjson", "sqrt", "infinite", "nan", "pow", "pow10", "exp", "exp2", "exp10", "log"];

/// Variables of which nothing is known.
struct Anything;

impl Variables for Anything {
    fn known(&self, _: &str) -> Known {
        Known::any()
    }

    fn step(&self, _: &str) -> Known {
        Known::any()
    }
}

impl Linter<'_> {
    pub(super) fn expressions(&mut self) {
        for (site, meaning) in self.sites.iter().zip(self.meanings) {
            for trouble in &meaning.troubles {
                self.trouble(site, trouble);
            }
            if site.is_condition && assigns(&site.tree) {
                let message =
                    "this condition assigns instead of comparing, so it holds always or fails".to_owned();
                self.report(site.id, codes::LINT_ASSIGNMENT, message, "compare with `==`");
            }
            self.number_of_results(site);
        }
    }

    fn trouble(&mut self, site: &Site<'_>, trouble: &Trouble) {
        let Trouble { sort, message } = trouble;
        let (code, message, hint) = match sort {
            Sort::Fails => (
                codes::LINT_EXPRESSION_FAILS,
                format!("this expression always fails: it {message}"),
                "mend the expression; values are turned with `tostring`, `tonumber` and `tojson`",
            ),
            Sort::Unfit => (
                codes::LINT_UNFIT_DATA,
                format!("this expression cannot use what it gets: it {message}"),
                "look at what comes before: a `listen` gives a list, `output: raw` text; `.[0]` is the first of a list",
            ),
            Sort::MayFail => (
                codes::LINT_EXPRESSION_MAY_FAIL,
                format!("a part of this expression fails whenever it is reached: it {message}"),
                "mend that part; values are turned with `tostring`, `tonumber` and `tojson`",
            ),
            Sort::Null => (
                codes::LINT_ALWAYS_NULL,
                format!("this is always null: the expression {message}"),
                "mend the name, or keep the value where the object is made, e.g. `. + {…}`",
            ),
            Sort::Comparison => (
                codes::LINT_COMPARISON,
                format!("this comparison has only one outcome: it {message}"),
                "compare with what was meant; `tonumber` makes a number of text",
            ),
        };
        self.report(site.id, code, message, hint);
    }

    fn number_of_results(&mut self, site: &Site<'_>) {
        let results = results::of(&site.tree);
        let hint = "put it into `[ ]` for a list, or into `first( )` with `// null` for one of them";
        if results.most == 0 {
            let message = "this expression gives no result, and exactly one is needed".to_owned();
            self.report(site.id, codes::LINT_NOT_ONE_RESULT, message, "give a value, e.g. `null`");
        } else if results.least > 1 && !results.may_vanish {
            let message = "this expression gives several results, and exactly one is needed".to_owned();
            self.report(site.id, codes::LINT_NOT_ONE_RESULT, message, hint);
        } else if results.most > 1 {
            let message = "this expression fails unless it happens to give exactly one result".to_owned();
            self.report(site.id, codes::LINT_MANY_RESULTS, message, hint);
        } else if results.least == 0 {
            let message = "this expression fails where it gives no result".to_owned();
            self.report(site.id, codes::LINT_MANY_RESULTS, message, "add what it gives then, e.g. `// null`");
        }
    }
}

/// Whether a condition is, in a place that decides, an assignment. Its value is an object or a list, so it holds.
fn assigns(tree: &Tree) -> bool {
    match tree {
        Tree::Pair(Operator::Assign, ..) => true,
        Tree::Pair(Operator::And | Operator::Or, left, right) => assigns(left) || assigns(right),
        _ => false,
    }
}
