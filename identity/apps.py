"""Identity's place in the project: how requests are told apart, what is seeded, which rules hold."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from django.conf import settings

        from cloud import beat
        from common import live, patterns, seeding
        from common import purging as purges
        from identity import audits, catalog, ceilings, policy, purging, sessions, tokens
        from identity import seeding as seed
        from identity.appcreds import access
        from identity.credentials import resealing
        from identity.federation import shadow
        from identity.ldap import people
        from identity.projects import aside
        from identity.rules import DESCRIPTIONS, RULES, SCOPES
        from identity.sharing import live as sharing_live
        from identity.sharing import services as sharing
        from identity.signins import services as signins
        from openstackapi import auth
        from operations import background

        patterns.rule(settings.PASSWORD_REGEX)  # a setting that no password could be held against ends the start here
        auth.use(token=tokens.actor_from_token, session=sessions.actor_of_request, check=access.check)
        policy.register("identity", RULES, DESCRIPTIONS, SCOPES)
        policy.register("audit", audits.RULES, audits.DESCRIPTIONS)
        ceilings.register()
        catalog.register("identity", name="keystone", path="/api/identity/v3", description="Users, projects, tokens")
        beat.every(3600, "identity.prune", signins.prune)
        aside.register()
        resealing.register("identity.Credential", "encrypted_blob")
        resealing.register("identity.DomainOption", "value")
        resealing.register("identity.Client", "encrypted_secret")
        resealing.register("mfa.Authenticator", "data")
        resealing.also("identity.PortalSession", signins.sign_anew)
        purges.register("passwords", purging.forget_passwords)
        purges.register("quota_locks", purging.forget_quota_locks)
        seeding.register(10, "identity", seed.seed)
        live.on_announce(sharing_live.audience)
        beat.every(3.0, "identity.shares", sharing.sweep)
        background.register(people.KIND, people.look_at, pool="bulk")
        beat.every(300.0, "identity.directories", people.sweep)
        beat.every(shadow.EVERY, "identity.mapped.end", shadow.end_due)
        beat.every(3600.0, "identity.mapped", shadow.forget_old)
