//! Trigger documents: what produces events.
//!
//! A document is read completely: unknown fields are errors with a suggestion, parts of later versions are
//! refused by name, expressions and the schema are compiled. What comes out needs no further checks.

mod codes;
mod needs;
pub mod poll;
mod read;
pub mod schedule;
mod signature;
mod token_bucket;
mod webhook;
mod webhook_access;
mod webhook_auth;
mod webhook_path;

use std::time::Duration;

use tenon_expr::{Expr, Template};
use tenon_workflow::{Diagnostic, FileReference, Files, Schema};

pub use codes::CODES;
pub use needs::Needs;
use poll::Poll;
use schedule::Schedule;
pub use signature::{Algorithm, Encoding, Hmac, Part, Scheme, Signature};
pub use tenon_workflow::RateLimit;
pub use token_bucket::TokenBucket;
pub use webhook_access::{Challenge, Cors};
pub use webhook_auth::Auth;
pub use webhook_path::HookPath;

/// The type of a webhook's event when its trigger does not choose one.
pub const WEBHOOK_TYPE: &str = "io.tenon.webhook";

/// What schedules, and workflows with a schedule by time, are looked up by. No path and no event type looks like it.
pub const SCHEDULE_KEY: &str = "@schedule";
/// What pollers are looked up by.
pub const POLL_KEY: &str = "@poll";
/// What webhooks are looked up by whose path has parameters.
pub const PATTERN_KEY: &str = "@path";

/// A checked trigger.
#[derive(Debug)]
pub enum Trigger {
    /// Events come by HTTP.
    Webhook(Box<Webhook>),
    /// Events come at times.
    Schedule(Box<Schedule>),
    /// Events are asked for.
    Poll(Box<Poll>),
}

/// `kind: webhook`.
#[derive(Debug)]
pub struct Webhook {
    /// Below `/hooks/<workspace>/`.
    pub path: HookPath,
    /// Capital letters, at least one.
    pub methods: Vec<String>,
    /// Who may call it.
    pub auth: Auth,
    /// Handshakes that it answers by itself.
    pub challenge: Option<Challenge>,
    /// What the body must be.
    pub schema: Option<Schema>,
    /// The event it makes.
    pub emits: Emits,
    /// Whether its author wrote `emits`. Without it a webhook that pollers name only wakes them.
    pub has_emits: bool,
    /// Gives the dedup key; `.` is the request.
    pub dedup_key: Option<Expr>,
    /// How long a dedup mark lives.
    pub dedup_for: Duration,
    /// When it is answered.
    pub respond: Respond,
    /// Which pages may call it.
    pub cors: Option<Cors>,
    /// How often it may be called.
    pub rate_limit: Option<RateLimit>,
    /// Whether the last requests can be looked at.
    pub captures: bool,
    /// JSON Pointers into the request: what is not shown of it.
    pub mask: Vec<String>,
    /// Which parts of the request its expressions read.
    pub needs: Needs,
}

/// The event that a request becomes.
#[derive(Debug)]
pub struct Emits {
    /// Gives `type`, text.
    pub r#type: Template,
    /// Gives `source`, text; default: the webhook's address.
    pub source: Option<Template>,
    /// Gives `subject`; null: none.
    pub subject: Option<Template>,
    /// What the event carries.
    pub data: EmitData,
}

/// What a webhook's event carries.
#[derive(Debug)]
pub enum EmitData {
    /// The body as it came.
    Body,
    /// This.
    Template(Template),
}

/// When a webhook is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Respond {
    /// As soon as the event is durable.
    Accepted,
    /// When the (single) job that it starts has ended.
    Wait,
}

// === impl Trigger ===

impl Trigger {
    /// Reads YAML or JSON. On failure everything that is wrong with it, at least one finding.
    pub fn parse(source: &str) -> Result<Self, Vec<Diagnostic>> {
        read::read(source, &Files::new())
    }

    /// The same, with the files that its call refers to as they were pinned.
    pub fn parse_with(source: &str, files: &Files) -> Result<Self, Vec<Diagnostic>> {
        read::read(source, files)
    }

    /// The files that its call refers to.
    pub fn references(&self) -> &[FileReference] {
        match self {
            Self::Poll(poll) => &poll.call.references,
            Self::Webhook(_) | Self::Schedule(_) => &[],
        }
    }

    /// The name of its kind in documents.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Schedule(_) => "schedule",
            Self::Poll(_) => "poll",
        }
    }

    /// What it is looked up by in the store.
    pub fn keys(&self) -> Vec<String> {
        match self {
            Self::Webhook(webhook) if webhook.path.is_literal() => vec![webhook.path.text().to_owned()],
            Self::Webhook(_) => vec![PATTERN_KEY.to_owned()],
            Self::Schedule(_) => vec![SCHEDULE_KEY.to_owned()],
            Self::Poll(poll) => poll.keys(),
        }
    }

    /// The secrets that it reads, by name: to check its callers, or to call.
    pub fn secrets(&self) -> Vec<String> {
        let webhook = match self {
            Self::Webhook(webhook) => webhook,
            Self::Poll(poll) => return poll.program().secrets.clone(),
            Self::Schedule(_) => return Vec::new(),
        };
        let mut names = webhook.auth.secrets().to_vec();
        if let Some(Challenge::Meta { secrets }) = &webhook.challenge {
            names.extend(secrets.iter().cloned());
        }
        names
    }

    /// Where it is called, if it is.
    pub fn url(&self, workspace: &str) -> Option<String> {
        match self {
            Self::Webhook(webhook) => Some(format!("/hooks/{workspace}/{}", webhook.path)),
            Self::Schedule(_) | Self::Poll(_) => None,
        }
    }
}
