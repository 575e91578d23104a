"""Identity's background work and periodic tasks, and what is sealed anew when the cloud's secret is rotated."""

from common import purging as purges
from identity import purging
from identity.credentials import resealing
from identity.federation import shadow
from identity.ldap import people
from identity.signins import services as signins
from operations import background, periodic


def register() -> None:
    periodic.every(3600, "identity.prune", signins.prune)
    background.register(people.KIND, people.look_at, pool="bulk")
    periodic.every(300.0, "identity.directories", people.look_at_all)
    periodic.every(shadow.EVERY, "identity.mapped.end", shadow.end_due)
    periodic.every(3600.0, "identity.mapped", shadow.forget_old)
    purges.register("passwords", purging.forget_passwords)
    purges.register("quota_locks", purging.forget_quota_locks)
    resealing.register("identity.Credential", "encrypted_blob")
    resealing.register("identity.DomainOption", "value")
    resealing.register("identity.Client", "encrypted_secret")
    resealing.register("mfa.Authenticator", "data")
    resealing.also("identity.PortalSession", signins.sign_anew)
