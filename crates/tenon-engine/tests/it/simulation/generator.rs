//! Random workflows: every kind of task, nested, with everything that a task can have around it.
//!
//! Values stay small (what is large is shortened by `tojson | .[0:60]`), loops stay finite, and moments rarely
//! coincide; for the rest anything goes, also what fails.

use serde_json::{Map, Value, json};

use super::outside::EVENT_TYPES;
use super::random::Random;

/// Tasks of one workflow, about.
const MOST_TASKS: usize = 14;
const DEEPEST: usize = 4;

/// A document, drawn from a seed.
pub(crate) fn document(seed: u64) -> Value {
    let mut generator =
        Generator { random: Random::new(seed), named: 0, functions: 0, tasks: 0, may_listen: true };
    generator.document()
}

struct Generator {
    random: Random,
    /// For unique names.
    named: usize,
    functions: usize,
    tasks: usize,
    /// Whether `listen` may be drawn: two branches that share one through an extension would take events from each
    /// other, which the reference, going through one branch after the other, cannot see.
    may_listen: bool,
}

/// What may be referred to at a place.
#[derive(Clone, Default)]
struct Around {
    depth: usize,
    steps: Vec<String>,
    variables: Vec<String>,
    is_branch: bool,
}

/// Where an expression stands: what it may read besides the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spot {
    Before,
    Inside,
    Export,
}

// === impl Generator ===

impl Generator {
    fn document(&mut self) -> Value {
        let mut document = json!({
            "use": {},
            "document": { "dsl": "1.0.3", "namespace": "sim", "name": "sim", "version": "1.0.0" },
        });
        if self.random.chance(40) {
            self.functions = 1 + self.random.below(2) as usize;
            let functions: Map<String, Value> = (0..self.functions)
                .map(|number| {
                    let around = Around { depth: DEEPEST, ..Around::default() };
                    let body =
                        if self.random.chance(50) { self.set(&around) } else { self.call_http(&around) };
                    (format!("f{number}"), body)
                })
                .collect();
            document["use"]["functions"] = functions.into();
        }
        if self.random.chance(18) {
            let extensions: Vec<Value> = (0..=self.random.below(2))
                .map(|number| json!({ format!("e{number}"): self.extension() }))
                .collect();
            document["use"]["extensions"] = extensions.into();
        }
        document["do"] = self.list(&Around::default());
        if self.random.chance(12) {
            document["timeout"] = self.timeout(12_000);
        }
        if self.random.chance(20) {
            document["output"] =
                json!({ "as": "${ {out: (tojson | .[0:200]), context: ($context | tojson | .[0:200])} }" });
        }
        document
    }

    fn extension(&mut self) -> Value {
        let extend = ["all", "call", "set", "composite", "emit", "try", "wait"];
        let mut extension = json!({ "extend": self.random.pick(&extend) });
        if self.random.chance(60) {
            extension["when"] = self
                .random
                .pick(&["(.n? // 0) > 1", "$task.name | test(\"[02468]$\")"][..])
                .to_owned()
                .into();
        }
        let around = Around { depth: DEEPEST, ..Around::default() };
        let tasks = std::mem::replace(&mut self.tasks, MOST_TASKS);
        self.may_listen = false;
        if self.random.chance(70) {
            extension["before"] = self.list(&around);
        }
        if self.random.chance(50) {
            extension["after"] = self.list(&around);
        }
        self.tasks = tasks;
        self.may_listen = true;
        extension
    }

    fn list(&mut self, around: &Around) -> Value {
        let length = 1 + self.random.below(4) as usize;
        let names: Vec<String> = (0..length).map(|_| self.name()).collect();
        let mut inside = Around { depth: around.depth + 1, is_branch: false, ..around.clone() };
        let mut items = Vec::with_capacity(length);
        for (place, name) in names.iter().enumerate() {
            let task = self.task(&inside, &names[place + 1..]);
            inside.steps.push(name.clone());
            items.push(json!({ name.as_str(): task }));
        }
        Value::Array(items)
    }

    fn name(&mut self) -> String {
        self.named += 1;
        format!("t{}", self.named)
    }

    /// A task; it may jump to those that follow.
    fn task(&mut self, around: &Around, following: &[String]) -> Value {
        self.tasks += 1;
        let mut task = self.kind(around, following);
        if self.random.chance(10) {
            task["if"] = self.condition(around).into();
        }
        if self.random.chance(8) {
            let from = self.value(around, Spot::Before);
            task["input"] = json!({ "from": from });
        }
        if self.random.chance(15) || task.get("emit").is_some() {
            let shown = if task.get("emit").is_some() {
                "${ {type: .type, data: .data} }".into()
            } else {
                self.value(around, Spot::Inside)
            };
            task["output"] = json!({ "as": shown });
        }
        if self.random.chance(18) {
            let key = ["a", "b", "c"][self.random.below(3) as usize];
            let value = self.value(around, Spot::Export);
            let value = value.as_str().map_or_else(|| value.to_string(), inner);
            task["export"] = if self.random.chance(80) {
                json!({ "as": format!("${{ $context + {{{key}: ({value})}} }}") })
            } else {
                json!({ "as": format!("${{ {{{key}: ({value})}} }}") })
            };
        }
        if self.random.chance(10) {
            task["timeout"] = self.timeout(5_000);
        }
        if self.random.chance(12) {
            task["then"] = self.then(around, following);
        }
        task
    }

    fn then(&mut self, around: &Around, following: &[String]) -> Value {
        match self.random.below(10) {
            0 => "end".into(),
            1 | 2 => "exit".into(),
            3..=6 if !following.is_empty() && !around.is_branch => {
                self.random.pick(following).as_str().into()
            }
            _ => "continue".into(),
        }
    }

    fn kind(&mut self, around: &Around, following: &[String]) -> Value {
        let is_leaf = around.depth >= DEEPEST || self.tasks >= MOST_TASKS;
        match self.random.below(if is_leaf { 62 } else { 110 }) {
            13..=30 => self.call_http(around),
            36..=40 => self.emit(around),
            41..=45 => self.raise(around),
            46..=51 => self.run(around),
            52..=55 if self.functions > 0 => {
                let function = format!("f{}", self.random.below(self.functions as u64));
                json!({ "call": function, "with": { "n": self.value(around, Spot::Inside) } })
            }
            56..=58 if !around.is_branch => self.switch(around, following),
            31..=35 | 56..=58 => self.wait(),
            59..=61 if self.may_listen => self.listen(around, true),
            0..=12 | 52..=55 | 59..=61 => self.set(around),
            62..=66 => json!({ "do": self.list(around) }),
            67..=74 => self.each(around),
            75..=87 => self.fork(around),
            88..=93 => self.listen(around, false),
            _ => self.try_catch(around, following),
        }
    }

    fn set(&mut self, around: &Around) -> Value {
        json!({ "set": { "n": self.number(around), "was": self.value(around, Spot::Inside) } })
    }

    fn call_http(&mut self, around: &Around) -> Value {
        let body = self.value(around, Spot::Inside);
        json!({ "call": "http", "with": { "method": "post", "endpoint": "http://sim.test/", "body": { "body": body } } })
    }

    fn wait(&mut self) -> Value {
        json!({ "wait": { "milliseconds": 1 + self.random.below(4_000) } })
    }

    fn emit(&mut self, around: &Around) -> Value {
        let data = self.value(around, Spot::Inside);
        json!({ "emit": { "event": { "with": { "type": "sim.told", "source": "/sim", "data": { "d": data } } } } })
    }

    fn raise(&mut self, around: &Around) -> Value {
        let kind = *self.random.pick(&["validation", "communication", "runtime"]);
        let kind = format!("https://open-workflow-specification.org/spec/1.0.0/errors/{kind}");
        let detail = self.value(around, Spot::Inside);
        let detail = detail.as_str().map_or_else(|| detail.to_string(), inner);
        json!({ "raise": { "error": {
            "type": kind, "status": self.random.pick(&[400, 418, 503]), "title": "raised",
            "detail": format!("${{ ({detail}) | tojson }}"),
        } } })
    }

    fn run(&mut self, around: &Around) -> Value {
        let input = self.value(around, Spot::Inside);
        let workflow =
            json!({ "namespace": "sim", "name": "other", "version": "1.0.0", "input": { "i": input } });
        json!({ "run": { "workflow": workflow, "await": self.random.chance(80) } })
    }

    fn switch(&mut self, around: &Around, following: &[String]) -> Value {
        let cases = 1 + self.random.below(3);
        let default = self.random.below(6);
        let cases: Vec<Value> = (0..cases)
            .map(|number| {
                let then = self.then(around, following);
                let mut case = json!({ "then": then });
                if number != default {
                    case["when"] = self.condition(around).into();
                }
                json!({ format!("case{number}"): case })
            })
            .collect();
        json!({ "switch": cases })
    }

    fn each(&mut self, around: &Around) -> Value {
        let mut inside = around.clone();
        inside.variables.extend(["item".to_owned(), "index".to_owned()]);
        let list: Value = match self.random.below(4) {
            0 => json!([self.value(around, Spot::Inside), 2]),
            1 => "${ .list? // [1] }".into(),
            2 => "[range((.n? // 0) % 3)]".into(),
            _ => json!(["x", "y"]),
        };
        let mut task = json!({ "for": { "in": list }, "do": self.list(&inside) });
        if self.random.chance(20) {
            task["while"] = self.condition(&inside).into();
        }
        task
    }

    fn fork(&mut self, around: &Around) -> Value {
        let inside = Around { depth: around.depth + 1, is_branch: true, ..around.clone() };
        let branches = 1 + self.random.below(3);
        let branches: Vec<Value> = (0..branches)
            .map(|_| {
                let name = self.name();
                json!({ name: self.task(&inside, &[]) })
            })
            .collect();
        json!({ "fork": { "branches": branches, "compete": self.random.chance(40) } })
    }

    fn listen(&mut self, around: &Around, is_leaf: bool) -> Value {
        let mut to = match self.random.below(4) {
            0 => json!({ "one": self.filter(around) }),
            1 => json!({ "all": [self.filter(around), self.filter(around)] }),
            2 => json!({ "any": [self.filter(around), self.filter(around)] }),
            _ => json!({ "any": [] }),
        };
        if to.get("any").is_some() && self.random.chance(60) {
            to["until"] = if self.random.chance(60) {
                format!("length >= {}", 1 + self.random.below(3)).into()
            } else {
                json!({ "one": self.filter(around) })
            };
        }
        let read = *self.random.pick(&["data", "envelope", "raw"]);
        let mut task = json!({ "listen": { "to": to, "read": read } });
        if !is_leaf && self.random.chance(60) {
            let mut inside = around.clone();
            inside.variables.extend(["item".to_owned(), "index".to_owned()]);
            let mut foreach = json!({ "do": self.list(&inside) });
            if self.random.chance(40) {
                foreach["output"] = json!({ "as": "${ {n: (.n? // 9), i: $index} }" });
            }
            if self.random.chance(30) {
                foreach["export"] = json!({ "as": "${ $context + {heard: $index} }" });
            }
            task["foreach"] = foreach;
        }
        task
    }

    fn filter(&mut self, around: &Around) -> Value {
        let mut with = json!({ "type": self.random.pick(&EVENT_TYPES) });
        match self.random.below(6) {
            0 => with["type"] = "seen\\.(a|b)".into(),
            1 => with["data"] = ".n > 2".into(),
            2 => with["subject"] = "s0".into(),
            3 => with["data"] = "${ .n.n }".into(),
            _ => {}
        }
        let mut filter = json!({ "with": with });
        if self.random.chance(25) {
            let mut key = json!({ "from": ".data.room" });
            if self.random.chance(30) {
                let number = self.number(around);
                key["expect"] =
                    number.as_str().map_or_else(|| format!("${{ {number} }}"), str::to_owned).into();
            }
            filter["correlate"] = json!({ "room": key });
        }
        filter
    }

    fn try_catch(&mut self, around: &Around, following: &[String]) -> Value {
        let mut catch = json!({});
        if self.random.chance(35) {
            let error = match self.random.below(3) {
                0 => json!({ "status": 503 }),
                1 => json!({ "type": "https://serverlessworkflow.io/spec/1.0.0/errors/communication" }),
                _ => {
                    json!({ "type": "https://open-workflow-specification.org/spec/1.0.0/errors/timeout", "status": 408 })
                }
            };
            catch["errors"] = json!({ "with": error });
        }
        if self.random.chance(15) {
            catch["when"] = "$error.status > 403".into();
        }
        if self.random.chance(10) {
            catch["exceptWhen"] = "$error.status == 401".into();
        }
        if self.random.chance(60) {
            catch["retry"] = self.retry();
        }
        if self.random.chance(60) {
            let mut inside = around.clone();
            inside.variables.push("error.status".to_owned());
            catch["do"] = self.list(&inside);
        }
        if self.random.chance(20) {
            catch["then"] = self.then(around, following);
        }
        json!({ "try": self.list(around), "catch": catch })
    }

    fn retry(&mut self) -> Value {
        let mut retry = json!({});
        if self.random.chance(75) {
            retry["delay"] = json!({ "milliseconds": 1 + self.random.below(900) });
        }
        if self.random.chance(50) {
            let backoff = *self.random.pick(&["constant", "linear", "exponential"]);
            retry["backoff"] = json!({ backoff: {} });
        }
        if self.random.chance(20) {
            retry["when"] = "$error.status != 404".into();
        }
        let mut limit = json!({ "attempt": { "count": self.random.below(4) } });
        if self.random.chance(20) {
            limit["attempt"]["duration"] = json!({ "milliseconds": 100 + self.random.below(4_000) });
        }
        if self.random.chance(20) {
            limit["duration"] = json!({ "milliseconds": 1_000 + self.random.below(9_000) });
        }
        retry["limit"] = limit;
        retry
    }

    fn timeout(&mut self, most: u64) -> Value {
        json!({ "after": { "milliseconds": 50 + self.random.below(most) } })
    }

    fn condition(&mut self, around: &Around) -> String {
        match self.random.below(7) {
            0 => "(.n? // 0) % 2 == 0".to_owned(),
            1 => "($context.a // 0 | tojson | length) > 1".to_owned(),
            2 if !around.steps.is_empty() => format!("$steps.{} != null", self.random.pick(&around.steps)),
            3 => "($steps | length) % 2 == 1".to_owned(),
            4 if around.depth > 2 => ".n.n.n".to_owned(),
            5 => "$event.type == \"sim.start\"".to_owned(),
            _ => "true".to_owned(),
        }
    }

    /// An expression that gives a number, mostly.
    fn number(&mut self, around: &Around) -> Value {
        match self.random.below(4) {
            0 => "${ (.n? // 0) + 1 }".into(),
            1 => "${ ($context | length) }".into(),
            2 if !around.variables.is_empty() => {
                format!("${{ ${} | tojson | length }}", self.random.pick(&around.variables)).into()
            }
            _ => (self.random.below(5)).into(),
        }
    }

    /// An expression or a literal.
    fn value(&mut self, around: &Around, spot: Spot) -> Value {
        let source = match self.random.below(13) {
            0 | 1 => ".".to_owned(),
            2 => "$context".to_owned(),
            3 if spot != Spot::Before => "$input".to_owned(),
            4 if spot == Spot::Export => "$output".to_owned(),
            5 | 6 if !around.steps.is_empty() => format!("$steps.{}", self.random.pick(&around.steps)),
            7 => "$steps".to_owned(),
            8 => "now".to_owned(),
            9 if !around.variables.is_empty() => format!("${}", self.random.pick(&around.variables)),
            10 => "$workflow.input".to_owned(),
            11 if self.random.chance(12) => "error(\"drawn\")".to_owned(),
            _ => return "${ {n: (.n? // 0)} }".into(),
        };
        format!("${{ {source} | tojson | .[0:60] }}").into()
    }
}

/// What is between `${` and `}`.
fn inner(text: &str) -> String {
    text.strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'))
        .map_or_else(|| text.to_owned(), str::to_owned)
}
