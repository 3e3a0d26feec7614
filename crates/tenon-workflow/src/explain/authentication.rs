//! Authentication in words. What the document spells out as a password or token is not repeated.

use tenon_expr::runtime_expression;

use crate::document::NodeId;

use super::narrator::Narrator;
use super::part::Part;
use super::words::{Words, text};

const SCHEMES: [(&str, &str); 5] = [
    ("basic", "basic authentication"),
    ("bearer", "a bearer token"),
    ("digest", "digest authentication"),
    ("oauth2", "OAuth 2"),
    ("oidc", "OpenID Connect"),
];

// === impl Narrator ===

impl<'d> Narrator<'d> {
    /// A bullet about `authentication`, if it is there.
    pub(super) fn authentication_of(&mut self, part: &mut Part<'d>) {
        let Some(id) = part.take("authentication") else { return };
        let mut policy = self.part(id);
        let words = match policy.take_text("use") {
            Some(name) => {
                let about = self.definition(("authentications", name), Self::policy);
                text("authenticates by the policy ").name(name).text(": ").words(about)
            }
            None => text("authenticates by ").words(self.policy(id)),
        };
        self.bullet(words);
    }

    pub(super) fn policy(&mut self, id: NodeId) -> Words {
        let mut policy = self.part(id);
        let mut words = Words::default();
        for (scheme, title) in SCHEMES {
            if let Some(scheme) = policy.take_part(scheme) {
                words = words.text(title).words(self.scheme(scheme));
            }
        }
        let rest = self.rest_of(&policy);
        words.words(rest)
    }

    fn scheme(&mut self, mut scheme: Part<'d>) -> Words {
        if let Some(secret) = scheme.take_text("use") {
            let words = text(" as the secret ").literal(secret).text(" says");
            return words.words(self.rest_of(&scheme));
        }
        let mut words = Words::default();
        if let Some(token) = scheme.take("token") {
            words = words.words(self.credential(token));
        }
        if let Some(authority) = scheme.take("authority") {
            words = words.text(" at ").words(self.plain(authority));
        }
        if let Some(grant) = scheme.take("grant") {
            words = words.text(" with the grant ").words(self.plain(grant));
        }
        if let Some(user) = scheme.take("username") {
            words = words.text(" as the user ").words(self.plain(user));
        }
        if let Some(password) = scheme.take("password") {
            words = words.text(" with a password").words(self.credential(password));
        }
        if let Some(client) = scheme.take_part("client") {
            words = words.words(self.client(client));
        }
        words.words(self.tokens(scheme))
    }

    fn client(&self, mut client: Part<'d>) -> Words {
        let mut words = text(", as the client");
        if let Some(id) = client.take("id") {
            words = words.text(" ").words(self.plain(id));
        }
        for (key, label) in [("secret", ", with a secret"), ("assertion", ", with an assertion")] {
            if let Some(credential) = client.take(key) {
                words = words.text(label).words(self.credential(credential));
            }
        }
        if let Some(method) = client.take("authentication") {
            words = words.text(", shown by ").words(self.plain(method));
        }
        words.words(self.rest_of(&client))
    }

    /// What is asked for, of whom, and for whom.
    fn tokens(&self, mut scheme: Part<'d>) -> Words {
        let mut words = Words::default();
        for (key, label) in [
            ("scopes", ", for the scopes "),
            ("audiences", ", for the audiences "),
            ("issuers", ", trusting the issuers "),
        ] {
            if let Some(names) = scheme.take(key) {
                words = words.text(label).words(self.texts(names));
            }
        }
        for (key, label) in [("subject", ", on behalf of a token"), ("actor", ", acting with a token")] {
            let Some(mut token) = scheme.take_part(key) else { continue };
            words = words.text(label);
            if let Some(value) = token.take("token") {
                words = words.words(self.credential(value));
            }
            if let Some(kind) = token.take("type") {
                words = words.text(" of the type ").words(self.plain(kind));
            }
            words = words.words(self.rest_of(&token));
        }
        if let Some(endpoints) = scheme.take("endpoints") {
            words = words.text(", at the endpoints ").words(self.value(endpoints));
        }
        if let Some(mut request) = scheme.take_part("request") {
            if let Some(encoding) = request.take("encoding") {
                words = words.text(", asking in ").words(self.plain(encoding));
            }
            words = words.words(self.rest_of(&request));
        }
        words.words(self.rest_of(&scheme))
    }

    /// Where a password or token comes from; never the text itself.
    fn credential(&self, id: NodeId) -> Words {
        match self.document.text(id) {
            Some(literal) if runtime_expression(literal).is_none() => text(" that the document spells out"),
            _ => text(" (").words(self.value(id)).text(")"),
        }
    }
}
