from common import registration


class PlacementConfig(registration.CloudAppConfig):
    name = "placement"
