"""Votes: the k that each of the usual methods would take, side by side. Touches nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from python_models.elbow import Elbow
from python_models.gap import Gap
from python_models.measures import Measures


@dataclass(frozen=True)
class Vote:
    """A method, the k it votes for (None where it abstains), and its words."""

    method: str
    k: int | None
    words: str


def votes(
    elbow: Elbow,
    measures: Sequence[Measures],
    gap: Gap,
    stabilities: Sequence[float | None],
    very_stable: float,
) -> list[Vote]:
    """Ask each method, all of the champion's space.

    Args:
        elbow: of the inertia curve.
        measures: for k = 1, 2, ..., in the common space.
        gap: for k = 1, 2, ...
        stabilities: Jaccard of the least stable segment for k = 1, 2, ...; None where not known.
        very_stable: the Jaccard that the stability's vote asks for.
    """
    last = len(measures)
    reach = f"over k = 2 to {last}"
    cast = [
        Vote(
            "elbow",
            elbow.k,
            f"{elbow.reason}; a curve that ends elsewhere may bend elsewhere, so it decides nothing alone",
        )
    ]
    for method, values, sign, words in (
        ("silhouette", [each.silhouette for each in measures], 1, "highest mean silhouette"),
        ("davies_bouldin", [each.davies_bouldin for each in measures], -1, "lowest Davies-Bouldin index"),
        (
            "calinski_harabasz",
            [each.calinski_harabasz for each in measures],
            1,
            "highest Calinski-Harabasz index",
        ),
    ):
        known = [(sign * value, -k) for k, value in enumerate(values, 1) if value is not None]
        if known:
            best, k = max(known)
            cast.append(Vote(method, -k, f"{words} {reach}, in the common space: {sign * best:.3f}"))
        else:
            cast.append(Vote(method, None, f"{words} {reach}: it has no value"))
    cast.append(_gap_vote(gap))
    cast.append(_stability_vote(stabilities, very_stable))
    return cast


def _gap_vote(gap: Gap) -> Vote:
    tried = len(gap.gaps)
    if gap.k is None:
        return Vote("gap", None, f"the gap still rises at k = {tried}, the last one tried: no vote")
    return Vote(
        "gap",
        gap.k,
        f"smallest k whose gap is within one standard error of the next one's, over k = 1 to {tried}",
    )


def _stability_vote(stabilities: Sequence[float | None], very_stable: float) -> Vote:
    known = {k: value for k, value in enumerate(stabilities, 1) if value is not None}
    if not known:
        return Vote("stability", None, "no k was resampled")
    reach = f"over k = {min(known)} to {max(known)}"
    held = [k for k, value in known.items() if value >= very_stable]
    if not held:
        return Vote("stability", None, f"no k has a Jaccard of {very_stable:g} in all its segments, {reach}")
    k = max(held)
    return Vote(
        "stability",
        k,
        f"largest k whose segments all have a Jaccard of {very_stable:g}, {reach}: {known[k]:.3f}",
    )
