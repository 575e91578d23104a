"""Identity's background work and periodic tasks, and what is encrypted anew when the cloud's secret is rotated."""

from common import purging as purges
from identity import purging
from identity.domains.models import value_place
from identity.federation import shadow
from identity.ldap import people
from identity.signin import services as signins
from keystore import columns
from operations import background, periodic


def register() -> None:
    periodic.register(3600, "identity.prune", signins.prune)
    background.register(people.KIND, people.look_at, pool="bulk")
    periodic.register(300.0, "identity.directories", people.look_at_all)
    periodic.register(shadow.EVERY, "identity.mapped.end", shadow.end_due)
    periodic.register(3600.0, "identity.mapped", shadow.forget_old)
    purges.register("passwords", purging.forget_passwords)
    purges.register("quota_locks", purging.forget_quota_locks)
    columns.register("identity.Credential", "encrypted_blob")
    columns.register(
        "identity.DomainOption", "value", lambda row: value_place(row.domain_id, row.group, row.option).row
    )
    columns.register("identity.Client", "encrypted_secret")
    columns.register("mfa.Authenticator", "data", lambda row: str(row.user_id))
    columns.also("identity.PortalSession", signins.sign_anew)
