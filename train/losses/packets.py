"""What a packet model's heads are held against: heatmaps, visibility, presence and count."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional

from stream.decode import BANDWIDTH_SIGMA, FLOOR

REACH_SIGMA = 2.5
"""How far from the truth a peak is taken for it, and a border for one that disturbs."""

SHIFTS = 3
"""Steps of the mean shift that bring a centre to where it stays, as nearly as it takes."""

CLEAR = 0.3
"""Height from which a peak says where a corner is; a lower one may still become any other."""


def heatmap_mse(
    heatmaps: torch.Tensor, targets: torch.Tensor, known: torch.Tensor, sigma_cells: float
) -> torch.Tensor:
    """Channel-wise mean squared error over the channels (B, K) whose truth is known.

    Scaled by the number of cells over πσ², the energy of one Gaussian, so that an empty answer
    to one keypoint costs 1 whatever the size of the heatmap.
    """
    cells = heatmaps.shape[-1] * heatmaps.shape[-2]
    scale = cells / (torch.pi * sigma_cells**2)
    each = ((heatmaps - targets) ** 2).mean(dim=(-2, -1)) * scale
    return (each * known).sum() / known.sum().clamp(min=1)


class Off(NamedTuple):
    """Where the decoder would find corners, beside where they are."""

    sigmas: torch.Tensor  # (B, K, 2) found less true
    clear: torch.Tensor  # (B, K) which of them say something, 0 or 1


def found_off(
    heatmaps: torch.Tensor, xy: torch.Tensor, known: torch.Tensor, sigma_cells: float
) -> Off:
    """Heatmaps (B, K, h, w) and the truth, xy (B, K, 2) in cells → how far off the corners are.

    What is measured is what `stream.decode` would say: the mode that its mean shift climbs to from
    the highest cell. Were the cells around the truth averaged instead, a peak that is merely broad
    would seem to lie there. A corner whose peak is faint or somewhere else says nothing, and none
    does near a border, which would pull the mean in.
    """
    reach = REACH_SIGMA * sigma_cells
    ends = torch.tensor(heatmaps.shape[:-3:-1], device=xy.device) - 1
    inside = (torch.minimum(xy, ends - xy) >= reach).all(-1)  # false for NaN
    with torch.no_grad():
        peak, at = heatmaps.flatten(2).max(dim=2)
        columns = heatmaps.shape[-1]
        centre = torch.stack([at % columns, at // columns], dim=-1).to(heatmaps.dtype)
        for _ in range(SHIFTS):
            centre = _mean_near(heatmaps, centre, peak, sigma_cells)
    found = _mean_near(heatmaps, centre, peak, sigma_cells)
    off = found - torch.where(inside[..., None], xy, found.detach())
    close = off.detach().square().sum(dim=-1) <= reach**2
    return Off(off / sigma_cells, known * inside * close * (peak > CLEAR))


def _mean_near(
    heatmaps: torch.Tensor, centre: torch.Tensor, peak: torch.Tensor, sigma_cells: float
) -> torch.Tensor:
    """One step of `stream.decode.mean_shift` from centres (B, K, 2) → (B, K, 2) cells."""
    dx, dy = (
        torch.arange(heatmaps.shape[-1 - i], device=centre.device) - centre[..., i, None]
        for i in (0, 1)
    )
    near = dx[..., None, :] ** 2 + dy[..., None] ** 2 <= (BANDWIDTH_SIGMA * sigma_cells) ** 2
    weights = (heatmaps - FLOOR * peak[..., None, None]).clamp(min=0) * near
    total = weights.sum(dim=(-2, -1)).clamp(min=1e-3)
    moved = [(weights.sum(dim=i) * d).sum(-1) / total for i, d in ((-2, dx), (-1, dy))]
    return centre + torch.stack(moved, dim=-1)


def off_centre(off: Off, known: torch.Tensor) -> torch.Tensor:
    """The mean distance in sigmas of the corners that are clear, over the known ones (B, K).

    To the squared error of heatmaps a peak half a sigma off is an eighth of one that is missing,
    2·(1 − exp(−d²/4σ²)); this is linear.
    """
    return (_length(off.sigmas) * off.clear).sum() / known.sum().clamp(min=1)


def off_along(off: Off, known: torch.Tensor, edges: tuple[tuple[int, int], ...]) -> torch.Tensor:
    """The mean length in sigmas by which edges (E pairs) are off whose both ends are clear.

    A packet's thickness is the difference of two corners: what they are off by together does not
    harm it, and what they are off by against each other is all that a count sees.
    """
    if not edges:
        return off.sigmas.new_zeros(())
    a, b = zip(*edges, strict=True)
    clear = off.clear[:, a] * off.clear[:, b]
    length = _length(off.sigmas[:, a] - off.sigmas[:, b])
    return (length * clear).sum() / (known[:, a] * known[:, b]).sum().clamp(min=1)


def _length(vectors: torch.Tensor) -> torch.Tensor:
    """(…, 2) → (…); a root has no slope at 0, hence not quite."""
    return (vectors.square().sum(dim=-1) + 1e-12).sqrt()


def masked_bce(logits: torch.Tensor, truth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy over the entries that are known."""
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def count_nll(
    log_p: torch.Tensor, mean: torch.Tensor, cards: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """Negative log-likelihood of the true count, over the pictures whose count is known.

    log_p (B, R, C) is over 1..C cards, by R readings that learn each by itself. The smooth-L1 pull
    on the means (B, R) is there for a start so far off that the distribution's tail has no slope
    left.
    """
    index = (cards.clamp(1, log_p.shape[-1]) - 1)[:, None, None].expand(*log_p.shape[:2], 1)
    nll = -log_p.gather(2, index).squeeze(2)
    truth = cards.to(mean.dtype)[:, None].expand_as(mean)
    pull = functional.smooth_l1_loss(mean, truth, reduction="none")
    each = (nll + 0.1 * pull).mean(dim=1)
    return (each * known).sum() / known.sum().clamp(min=1)
