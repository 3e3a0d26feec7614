//! Trigger documents: what produces events. This version knows the kind `webhook`.
//!
//! A document is read completely: unknown fields are errors with a suggestion, parts of later versions are
//! refused by name, expressions and the schema are compiled. What comes out needs no further checks.

mod codes;
mod needs;
mod read;

use std::time::Duration;

use tenon_expr::{Expr, Template};
use tenon_workflow::{Diagnostic, Schema};

pub use codes::CODES;
pub use needs::Needs;

/// The type of a webhook's event when its trigger does not choose one.
pub const WEBHOOK_TYPE: &str = "io.tenon.webhook";

/// A checked trigger.
#[derive(Debug)]
pub enum Trigger {
    /// Events come by HTTP.
    Webhook(Box<Webhook>),
}

/// `kind: webhook`.
#[derive(Debug)]
pub struct Webhook {
    /// Below `/hooks/<workspace>/`, without slash at either end.
    pub path: String,
    /// Capital letters, at least one.
    pub methods: Vec<String>,
    /// Who may call it.
    pub auth: Auth,
    /// What the JSON body must be.
    pub schema: Option<Schema>,
    /// The event it makes.
    pub emits: Emits,
    /// Gives the dedup key; `.` is the request.
    pub dedup_key: Option<Expr>,
    /// How long a dedup mark lives.
    pub dedup_for: Duration,
    /// When it is answered.
    pub respond: Respond,
    /// Which parts of the request its expressions read.
    pub needs: Needs,
}

/// Who may call a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Everybody.
    None,
    /// Who has an API key.
    Key,
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
        read::read(source)
    }

    /// The name of its kind in documents.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
        }
    }

    /// What it is looked up by in the store.
    pub fn keys(&self) -> Vec<String> {
        match self {
            Self::Webhook(webhook) => vec![webhook.path.clone()],
        }
    }

    /// Where it is called, if it is.
    pub fn url(&self, workspace: &str) -> Option<String> {
        match self {
            Self::Webhook(webhook) => Some(format!("/hooks/{workspace}/{}", webhook.path)),
        }
    }
}
