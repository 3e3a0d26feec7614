//! `call` of what this version does not execute yet: AsyncAPI, agents, model context servers.

use super::narrator::Narrator;
use super::part::Part;
use super::words::{Words, text};

// === impl Narrator ===

impl<'d> Narrator<'d> {
    pub(super) fn call_asyncapi(&mut self, with: &mut Part<'d>) -> Words {
        let publishes = with.has("message");
        let mut words = text(if publishes { "publish a message" } else { "consume messages" });
        if let Some(operation) = with.take("operation") {
            words = words.text(" by the operation ").words(self.plain(operation));
        }
        if let Some(channel) = with.take("channel") {
            words = words
                .text(if publishes { " to" } else { " from" })
                .text(" the channel ")
                .words(self.plain(channel));
        }
        if let Some(document) = with.take_part("document") {
            words = words.text(" of ").words(self.resource(document));
        }
        if let Some(mut server) = with.take_part("server") {
            if let Some(name) = server.take("name") {
                words = words.text(" on the server ").words(self.plain(name));
            }
            self.member(&mut server, "variables", "the server's variables");
            self.rest(&server);
        }
        if let Some(protocol) = with.take("protocol") {
            words = words.text(" over ").words(self.plain(protocol));
        }
        self.authentication_of(with);
        if let Some(mut message) = with.take_part("message") {
            self.member(&mut message, "payload", "payload");
            self.member(&mut message, "headers", "headers");
            self.rest(&message);
        }
        if let Some(subscription) = with.take_part("subscription") {
            self.subscription(subscription);
        }
        words
    }

    fn subscription(&mut self, mut subscription: Part<'d>) {
        if let Some(filter) = subscription.take("filter") {
            let words = text("only messages with ").words(self.expression(filter));
            self.bullet(words);
        }
        if let Some(mut consume) = subscription.take_part("consume") {
            let mut words = text("consumes ");
            words = match (consume.take("amount"), consume.take("while"), consume.take("until")) {
                (Some(amount), ..) => words.words(self.plain(amount)).text(" messages"),
                (_, Some(condition), _) => words.text("messages while ").words(self.expression(condition)),
                (.., Some(condition)) => words.text("messages until ").words(self.expression(condition)),
                _ => words.text("messages"),
            };
            if let Some(time) = consume.take("for") {
                words = words.text(", for at most ").words(self.duration(time));
            }
            let rest = self.rest_of(&consume);
            self.bullet(words.words(rest));
        }
        if let Some(iterator) = subscription.take_part("foreach") {
            self.iterator(iterator, "message");
        }
        self.rest(&subscription);
    }

    pub(super) fn call_a2a(&mut self, with: &mut Part<'d>) -> Words {
        let mut words = text("ask the agent");
        if let Some(server) = with.take("server") {
            words = words.text(" at ").words(self.endpoint(server));
        }
        if let Some(card) = with.take_part("agentCard") {
            words = words.text(" of the agent card ").words(self.resource(card));
        }
        if let Some(method) = with.take("method") {
            words = words.text(" for ").words(self.plain(method));
        }
        self.member(with, "parameters", "parameters");
        words
    }

    pub(super) fn call_mcp(&mut self, with: &mut Part<'d>) -> Words {
        let mut words = text("ask the model context server");
        if let Some(mut transport) = with.take_part("transport") {
            if let Some(mut http) = transport.take_part("http") {
                words = words.text(" at ").words(self.endpoint_of(&mut http, "endpoint"));
                self.member(&mut http, "headers", "headers");
                self.rest(&http);
            }
            if let Some(mut process) = transport.take_part("stdio") {
                if let Some(command) = process.take("command") {
                    words = words.text(" that runs as the command ").words(self.plain(command));
                }
                self.member(&mut process, "arguments", "the command's arguments");
                self.member(&mut process, "environment", "its environment");
                self.rest(&process);
            }
            self.member(&mut transport, "options", "options");
            self.rest(&transport);
        }
        if let Some(method) = with.take("method") {
            words = words.text(" for ").words(self.plain(method));
        }
        if let Some(version) = with.take("protocolVersion") {
            words = words.text(" (protocol ").words(self.plain(version)).text(")");
        }
        if let Some(time) = with.take("timeout") {
            words = words.text(", for at most ").words(self.duration(time));
        }
        self.member(with, "parameters", "parameters");
        self.member(with, "client", "as the client");
        words
    }
}
