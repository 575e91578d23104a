"""How flows that make images are played, and what must be true of images (tests/flows/registry.py)."""

from images.images import states
from images.images.models import Image
from operations.models import Operation
from tests.compute.flows import Servers
from tests.flows.registry import Scenario, begun, register
from tests.simulated import Cloud


class Images(Servers):
    """Images that are made of the disk of a server, `server`."""

    server = ""

    def make(self) -> str:
        self.server = super().make()
        return self.server

    def snapshot(self) -> str:
        """Begin to make an image of the server; give its id."""
        self.red.act(self.server, {"createImage": {"name": "s"}})
        return str(Image.objects.get(properties__instance_uuid=self.server).pk)

    def remove(self, id: str) -> None:
        if Image.objects.filter(pk=id).exists():
            assert self.red.delete(f"/api/image/v2/images/{id}").status_code == 204
            self.cloud.settle()
        assert not Image.objects.filter(pk=id).exists()
        super().remove(self.server)

    def check_rests(self, id: str, state: str) -> None:
        image = Image.objects.get(pk=id)
        assert image.status == state and image.size
        super().check_rests(self.server, "active")

    def check_failed(self, id: str, operation: Operation) -> None:
        image = Image.objects.filter(pk=id).first()
        assert image is None or states.has_data(image.status), "an image that is half made"
        super().check_failed(self.server, operation)

    def check_parked(self, id: str, operation: Operation) -> None:
        super().check_parked(self.server, operation)

    def check_waits_for_nothing(self, id: str) -> None:
        image = Image.objects.filter(pk=id).first()
        assert image is None or not states.is_arriving(image.status)
        super().check_waits_for_nothing(self.server)


def check_images(cloud: Cloud) -> None:
    assert not Image.objects.filter(status__in=("queued", "saving")).exists(), "an image that nobody fills"


SCENARIOS = {
    "image.snapshot": Scenario((begun,), lambda stage, id: stage.snapshot(), "active", flow="server.snapshot"),
}

register(stage=Images, scenarios=SCENARIOS, whole=check_images)
