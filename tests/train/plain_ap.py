"""COCO's keypoint AP and AR from its published rules (cocodataset.org/#keypoints-eval), plainly.

An instance stands as a tuple: true (points (K, 2), flags (K,), box, area, crowd), found (points
(K, 2), score). Points not found are NaN.
"""

import numpy as np

THRESHOLDS = [0.5 + 0.05 * i for i in range(10)]
ALL, MEDIUM, LARGE = (0, 1e10), (32**2, 96**2), (96**2, 1e10)


def similarity(found, true, sigmas):
    xy, flags, box, area, _ = true
    labelled = flags > 0
    off = np.abs(found - xy) if labelled.any() else outside(found, box)
    square = np.where(np.isnan(found).any(axis=1), np.inf, (off**2).sum(axis=1))
    each = np.exp(-square / (2 * (area + np.spacing(1)) * (2 * np.asarray(sigmas)) ** 2))
    return each[labelled].mean() if labelled.any() else each.mean()


def outside(points, box):
    """How far points are outside a box of three times the size, along each axis."""
    corner, size = np.array(box[:2]), np.array(box[2:])
    return np.maximum(corner - size - points, 0) + np.maximum(points - corner - 2 * size, 0)


def extent(xy):
    there = xy[~np.isnan(xy).any(axis=1)]
    return np.prod(there.max(axis=0) - there.min(axis=0)) if len(there) else 0.0


def within(area, limits):
    return limits[0] <= area <= limits[1]


def judge(true, found, sigmas, threshold, limits):
    """One picture → (score, hit) of each found instance that counts, and how many were to find."""
    ignored = [crowd or not (flags > 0).any() or not within(a, limits)
               for _, flags, _, a, crowd in true]  # fmt: skip
    taken, judged = set(), []
    for xy, score in sorted(found, key=lambda one: -one[1])[:20]:
        alike = [similarity(xy, one, sigmas) for one in true]
        match = None
        for ignore in (False, True):  # one that counts is preferred to any that does not
            fit = [i for i in range(len(true)) if ignored[i] == ignore and alike[i] >= threshold
                   and (i not in taken or true[i][4])]  # fmt: skip
            if fit and match is None:
                match = max(fit, key=lambda i: (alike[i], i))
        if match is not None:
            taken.add(match)
            if not ignored[match]:
                judged.append((score, True))
        elif within(extent(xy), limits):
            judged.append((score, False))
    return judged, len(true) - sum(ignored)


def curve(pictures, sigmas, threshold, limits):
    """Pictures of (true, found) → (AP, recall) at one threshold; None if there was none to find."""
    each = [judge(true, found, sigmas, threshold, limits) for true, found in pictures]
    wanted = sum(n for _, n in each)
    if wanted == 0:
        return None
    hits = np.array([hit for _, hit in sorted((j for js, _ in each for j in js),
                                              key=lambda one: -one[0])], bool)  # fmt: skip
    right = np.cumsum(hits)
    recall, precision = right / wanted, right / np.maximum(np.arange(1, len(hits) + 1), 1)
    best = [precision[recall >= r].max(initial=0) for r in np.linspace(0, 1, 101)]
    return float(np.mean(best)), float(recall.max(initial=0))


def figures(pictures, sigmas):
    """The ten figures in the reference's order; NaN where there was none to find."""
    table = {
        limits: [curve(pictures, sigmas, t, limits) for t in THRESHOLDS]
        for limits in (ALL, MEDIUM, LARGE)
    }

    def mean(kind, limits, thresholds=slice(None)):
        found = [one[kind] for one in table[limits][thresholds] if one is not None]
        return float(np.mean(found)) if found else np.nan

    at = [slice(None), slice(0, 1), slice(5, 6)]
    return [
        value
        for kind in (0, 1)
        for value in (
            *(mean(kind, ALL, t) for t in at),
            mean(kind, MEDIUM),
            mean(kind, LARGE),
        )
    ]
