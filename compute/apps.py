"""The compute service: Nova."""

from common import registration


class ComputeConfig(registration.CloudAppConfig):
    name = "compute"
