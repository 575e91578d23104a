"""Domains and their configuration."""

from rest_framework.response import Response

from identity.domains import services
from identity.domains.services import DOMAINS
from identity.resource import Values
from identity.views import IdentityView, ListView, OwnerItemView

_CONFIG = {"type": "object", "properties": {"config": {"type": "object"}}}


class DomainList(ListView):
    resource = DOMAINS


class DomainItem(OwnerItemView):
    resource = DOMAINS


class DomainConfigPart(IdentityView):
    """/domains/{id}/config/{group} and …/{option}."""

    def sent(self) -> Values:
        config: Values = (self.body(_CONFIG) or {}).get("config", {})
        return config

    def get(self, request: object, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        return Response({"config": _part(services.config(self.actor, domain_id, group, option), group, option)})

    def patch(self, request: object, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        new = self.sent()
        stored, _fresh = services.set_config(self.actor, domain_id, new, group=group, option=option)
        return Response({"config": stored})

    def delete(self, request: object, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        services.drop_config(self.actor, domain_id, group, option)
        return Response(status=204)


class DomainConfig(DomainConfigPart):
    """/domains/{id}/config, which can also be replaced whole."""

    def put(self, request: object, domain_id: str) -> Response:
        new = self.sent()
        stored, fresh = services.set_config(self.actor, domain_id, new, replace=True)
        return Response({"config": stored}, status=201 if fresh else 200)


class DefaultConfig(IdentityView):
    """/domains/config/default, …/{group}/default, …/{group}/{option}/default."""

    def get(self, request: object, group: str | None = None, option: str | None = None) -> Response:
        return Response({"config": services.default_config(self.actor, group, option)})


def _part(found: Values, group: str | None, option: str | None) -> Values:
    return found[group] if group is not None and option is not None else found
