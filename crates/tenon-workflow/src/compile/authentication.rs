//! Authentication policies, inline and by name

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Authentication, AuthenticationScheme, AuthenticationSource};
use crate::shape::Section;

impl Lowering<'_> {
    /// The member `authentication` of an endpoint, a service or the arguments of a call.
    pub(super) fn authentication(&mut self, owner: NodeId) -> Option<Authentication> {
        let id = self.document.get(owner, "authentication")?;
        Some(match self.document.get(id, "use") {
            Some(name) => self.resolved(name, Section::Authentications, Self::policy),
            None => self.policy(id),
        })
    }

    fn policy(&mut self, policy: NodeId) -> Authentication {
        let entry = self.document.entries(policy).first().expect(CHECKED);
        let scheme = match &*entry.key {
            "basic" => AuthenticationScheme::Basic,
            "bearer" => AuthenticationScheme::Bearer,
            "digest" => AuthenticationScheme::Digest,
            "oauth2" => AuthenticationScheme::OAuth2,
            _ => AuthenticationScheme::Oidc,
        };
        let source = match self.text(entry.value, "use") {
            Some(secret) => AuthenticationSource::Secret(secret),
            None => AuthenticationSource::Given(self.template_of(entry.value)),
        };
        Authentication { scheme, source }
    }
}
