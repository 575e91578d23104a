"""The compute service: Nova."""

from common import registration


class ComputeConfig(registration.CloudAppConfig):
    name = "compute"

    def ready(self) -> None:
        from compute.servers.lifecycle import adopting, boot, deletion, interfaces, power, rebuild, resize, snapshots

        assert adopting.ADOPT and boot.BOOT and deletion.DELETE and interfaces.ATTACH_INTERFACE  # importing them
        assert power.STOP and rebuild.REBUILD and resize.RESIZE and snapshots.SNAPSHOT  # registers all flows
        super().ready()
