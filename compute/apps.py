"""The compute service: Nova."""

from common import registration


class ComputeConfig(registration.CloudAppConfig):
    name = "compute"

    def ready(self) -> None:
        from compute.servers import adopting, flows, flows_boot, flows_change

        assert (
            flows_boot.BOOT and flows.STOP and flows_change.RESIZE and adopting.ADOPT
        )  # importing them registers them
        super().ready()
