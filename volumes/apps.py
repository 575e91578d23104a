from common import registration


class Config(registration.CloudAppConfig):
    name = "volumes"
