"""Networks of a new cloud: an external one, and a private one behind a router in project demo."""

from django.conf import settings
from django.db import transaction

from authorization.context import RequestContext
from common import seeding
from hostagent.contract import inet
from identity.models import Project
from networking.networks import services as networks
from networking.networks.models import Network
from networking.routers import interfaces
from networking.routers import services as routers
from networking.routers.models import Router
from networking.subnets import services as subnets
from networking.subnets.models import Subnet

PUBLIC = "public"
PRIVATE = "private"
PRIVATE_CIDR = "10.0.0.0/24"
ROUTER = "router"


@transaction.atomic
def seed() -> str | None:
    """Make what is absent. The private network and its router come with the first `private`; once deleted, they stay so."""
    made = []
    admin = Project.objects.filter(name="admin", domain_id="default").first()
    demo = Project.objects.filter(name="demo", domain_id="default").first()
    if admin is None or demo is None:
        return None
    public = Network.objects.filter(external=True, name=PUBLIC).first()
    if public is None:
        public = _public(RequestContext.internal("seed", project_id=admin.pk))
        made.append(PUBLIC)
        if (
            not Network.objects.filter(project_id=demo.pk).exists()
            and not Router.objects.filter(project_id=demo.pk).exists()
        ):
            _private(RequestContext.internal("seed", project_id=demo.pk), public)
            made.append(f"{PRIVATE}, {ROUTER}")
    return ", ".join(made) or None


def _public(actor: RequestContext) -> Network:
    """The external network: the host's external bridge, addresses of STACKLING_EXTERNAL_CIDR, gateway at its .1."""
    network = networks.create(
        actor, name=PUBLIC, kind="flat", physical="public", external=True, is_default=True, port_security_enabled=False
    )
    cidr = inet.ip_network(settings.EXTERNAL_CIDR, strict=False)
    subnets.create(actor, network_id=network.id, name="public-subnet", cidr=str(cidr), enable_dhcp=False)
    return network


def _private(actor: RequestContext, public: Network) -> None:
    network = networks.create(actor, name=PRIVATE)
    subnet: Subnet = subnets.create(actor, network_id=network.id, name="private-subnet", cidr=PRIVATE_CIDR)
    router = routers.create(actor, name=ROUTER, external_gateway_info={"network_id": public.id})
    interfaces.add(actor, router.id, subnet_id=subnet.id)


def register() -> None:
    seeding.register(40, "networking", seed)
