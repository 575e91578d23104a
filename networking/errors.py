"""Errors that several resources of the network service raise. Class names are Neutron's: clients read them as `type`."""

from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Forbidden, Invalid, NotFound


class InvalidInput(Invalid):
    template = _("Invalid input for operation: %(reason)s.")


class NetworkNotFound(NotFound):
    template = _("Network %(id)s could not be found.")


class SubnetNotFound(NotFound):
    template = _("Subnet %(id)s could not be found.")


class PortNotFound(NotFound):
    template = _("Port %(id)s could not be found.")


class RouterNotFound(NotFound):
    template = _("Router %(id)s could not be found.")


class FloatingIPNotFound(NotFound):
    template = _("Floating IP %(id)s could not be found.")


class SecurityGroupNotFound(NotFound):
    template = _("Security group %(id)s does not exist.")


class SecurityGroupRuleNotFound(NotFound):
    template = _("Security group rule %(id)s does not exist.")


class SubnetPoolNotFound(NotFound):
    template = _("Subnet pool %(id)s could not be found.")


class AddressScopeNotFound(NotFound):
    template = _("Address scope %(id)s could not be found.")


class AttributeForbidden(Forbidden):
    """An attribute that only an administrator may set."""

    wire_type = "PolicyNotAuthorized"
    formerly = ("PolicyNotAuthorized",)
    template = _("Only an administrator may set %(attribute)s.")


class IpAddressGenerationFailure(Conflict):
    template = _("No more IP addresses available on network %(network)s.")


class IpAddressAlreadyAllocated(Conflict):
    template = _("IP address %(ip)s already allocated in subnet %(subnet)s.")


class InvalidIpForNetwork(Invalid):
    template = _("IP address %(ip)s is not a valid IP for any of the subnets on the specified network.")


class InvalidIpForSubnet(Invalid):
    template = _("IP address %(ip)s is not a valid IP for the specified subnet %(cidr)s.")
