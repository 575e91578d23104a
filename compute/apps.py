"""The compute service: Nova."""

from common import registration


class ComputeConfig(registration.CloudAppConfig):
    name = "compute"

    def ready(self) -> None:
        from compute.servers.lifecycle import adopting, boot, power, resize

        assert boot.BOOT and power.STOP and resize.RESIZE and adopting.ADOPT  # importing them registers them
        super().ready()
