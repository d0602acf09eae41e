"""What is said after an epoch of clips held out, by a network that knows what they show."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from stream.packet import TURN  # noqa: E402
from train import watch  # noqa: E402
from train.approach import Approach, Said  # noqa: E402
from train.config import Config  # noqa: E402
from train.datasets.cardcut import Sample  # noqa: E402
from train.material import packet_spec  # noqa: E402
from train.targets import gaussians  # noqa: E402

SPEC = packet_spec(Config(input_size=64))
XY = np.array(
    [(40, 20), (90, 20), (42, 24), (88, 24), (36, 70), (94, 70), (38, 74), (92, 74)], float
)


class Told(Approach):
    """Says where a sample's corners are, `off_px` to the right, and that there are 20 cards."""

    def __init__(self, sample, off_px=0.0, order=range(8)):
        super().__init__(SPEC)
        self.look = torch.nn.Conv2d(3, 1, 1)
        matrix = watch._view(sample).matrix(64)
        xy = (sample.xy + [off_px, 0]) @ matrix[:, :2].T + matrix[:, 2]
        self.said = gaussians(torch.tensor(xy[list(order)][None], dtype=torch.float32), SPEC)

    def forward(self, images):
        return self.look(images)

    def loss(self, out, batch):
        raise NotImplementedError

    def predict(self, images):
        nothing = 0 * self(images).mean(dim=(1, 2, 3))[:, None]
        cards = torch.eye(53)[[20]] + nothing
        return Said(self.said + nothing[..., None, None], None, cards)


@pytest.fixture
def sample(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((96, 128, 3), 90, np.uint8))
    visible = np.arange(8) != 6
    xy = np.where(visible[:, None], XY, np.nan)
    return Sample(tmp_path / "a.png", xy, visible, 23, "clip")


@pytest.mark.parametrize("order", [range(8), TURN], ids=["as named", "turned"])
@pytest.mark.parametrize(("off_px", "within_5"), [(0.5, 1.0), (7.0, 0.0)])
def test_corners_are_measured_in_px_of_the_picture_by_either_name(sample, order, off_px, within_5):
    got = watch.watch(Told(sample, off_px, order), [sample] * 2)
    assert (got["pck10"], got["pck5"]) == (1.0, within_5)
    assert (got["mae"], got["clip_mae"]) == (3.0, 3.0)


def test_pictures_are_shown_as_the_network_is_kept(sample):
    """In its precision, and so where it is."""
    got = watch.watch(Told(sample).double(), [sample])
    assert got["pck5"] == 1.0
