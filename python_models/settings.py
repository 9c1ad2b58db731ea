"""The parameters of a training run, checked once at the door.

Touches nothing; imports only the standard library until a scaling is looked up. There are no
defaults here: the only defaults stand in the vars of dbt_project.yml.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

# What KMeans may see, beside the codes of an autoencoder, the simplest first.
REPRESENTATIONS = ("scaled", "pca")
# The silhouette holds all pairwise distances at once, 8 bytes each: 20,000 rows are 3.2 GB.
LARGEST_SILHOUETTE_ROWS = 20_000
LARGEST_SEED = 2**32 - 1
LARGEST_BOOTSTRAPS = 1000


@dataclass(frozen=True)
class Settings:
    """What a training run may be told.

    Attributes:
        k: number of segments, or None to choose it by the rule of `python_models.champion`.
        k_max: largest number of segments on the inertia curve.
        candidates_k_max: largest number of segments that is resampled and may be chosen.
        scaling: a name of `python_models.scaling.SCALINGS`, or None to compare them all.
        representation: what KMeans sees: 'scaled' features, their 'pca' components or the codes of an
            autoencoder by its name, or None to compare them all.
        autoencoders: names of `python_models.autoencoder.PRESETS` to train; may be empty.
        pca_variance: share of the variance that the components keep when KMeans sees them.
        min_jaccard: least Jaccard, over resamples, of every segment of what is chosen.
        min_segment_share: least share of the customers in every segment of what is chosen.
        bootstraps: resamples that confirm the champion.
        sample_rows: most customers the model learns from.
        curve_rows: most customers the curve over k is computed on.
        silhouette_rows: most customers the silhouette is computed on.
        seed: the source of every random state.

    Raises:
        ValueError: a value is out of its range; the message names parameter, value and way out.

    """

    k: int | None
    k_max: int
    candidates_k_max: int
    scaling: str | None
    representation: str | None
    autoencoders: tuple[str, ...]
    pca_variance: float
    min_jaccard: float
    min_segment_share: float
    bootstraps: int
    sample_rows: int
    curve_rows: int
    silhouette_rows: int
    seed: int

    def __post_init__(self) -> None:
        """Check every range, also for those who build settings without `from_mapping`."""
        from python_models.autoencoder import PRESETS
        from python_models.scaling import SCALINGS

        if self.k is not None and self.k < 2:
            _refuse("k", self.k, "a segmentation needs at least 2 segments; leave K out to have it chosen")
        if self.k_max < 2:
            _refuse("k_max", self.k_max, "the curve over k needs to reach at least 2; 20 is usual")
        if not 2 <= self.candidates_k_max <= self.k_max:
            _refuse(
                "candidates_k_max",
                self.candidates_k_max,
                f"expected a whole number from 2 to K_MAX={self.k_max}; 12 is usual",
            )
        if self.scaling is not None and self.scaling not in SCALINGS:
            _refuse(
                "scaling",
                self.scaling,
                f"no such scaling; choose {_either(tuple(SCALINGS))}, or leave SCALING out to compare them",
            )
        choices = (*REPRESENTATIONS, *PRESETS)
        if self.representation is not None and self.representation not in choices:
            _refuse(
                "representation",
                self.representation,
                f"no such representation; choose {_either(choices)}, or leave REPRESENTATION out to compare them",
            )
        for name in self.autoencoders:
            if name not in PRESETS:
                _refuse(
                    "autoencoders",
                    ",".join(self.autoencoders),
                    f"{name} is no autoencoder; choose of {', '.join(PRESETS)}, separated by commas, or none",
                )
        if not 0 < self.pca_variance <= 1:
            _refuse("pca_variance", self.pca_variance, "expected a share above 0 and at most 1, such as 0.9")
        if not 0 <= self.min_jaccard <= 1:
            _refuse("min_jaccard", self.min_jaccard, "expected a number from 0 to 1, such as 0.75")
        if not 0 <= self.min_segment_share <= 0.5:
            _refuse(
                "min_segment_share", self.min_segment_share, "expected a share from 0 to 0.5, such as 0.01"
            )
        if not 1 <= self.bootstraps <= LARGEST_BOOTSTRAPS:
            _refuse(
                "bootstraps",
                self.bootstraps,
                f"expected a whole number from 1 to {LARGEST_BOOTSTRAPS}; 50 is usual",
            )
        for name in ("sample_rows", "curve_rows", "silhouette_rows"):
            if getattr(self, name) < 2:
                _refuse(name, getattr(self, name), "at least 2 customers are needed to tell segments apart")
        if self.silhouette_rows > LARGEST_SILHOUETTE_ROWS:
            _refuse(
                "silhouette_rows",
                self.silhouette_rows,
                "memory grows with the square of the rows (8 bytes x rows x rows); "
                f"give at most {LARGEST_SILHOUETTE_ROWS}",
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            _refuse("seed", self.seed, f"expected a whole number from 0 to {LARGEST_SEED}")

    @property
    def networks(self) -> tuple[str, ...]:
        """Autoencoders to train: those listed, and the representation where it is one."""
        asked = self.representation
        if asked is None or asked in REPRESENTATIONS or asked in self.autoencoders:
            return self.autoencoders
        return (*self.autoencoders, asked)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> "Settings":
        """Read settings as they arrive from dbt vars: numbers may be text, k may be '' or None.

        `scaling` and `representation` may be '' or 'auto' to compare all; `autoencoders` is text with
        commas, '' for none.

        Args:
            mapping: exactly the names of the attributes above, each with its value.

        Raises:
            ValueError: a name is unknown or missing, or a value does not parse or is out of range.

        """
        known = [field.name for field in fields(cls)]
        for name, value in mapping.items():
            if name not in known:
                _refuse(str(name), value, f"no such setting; the settings are {', '.join(known)}")
        missing = [name for name in known if name not in mapping]
        if missing:
            raise ValueError(
                f"settings lack {', '.join(missing)}: every one of {', '.join(known)} must be given; "
                "their defaults stand in the vars of dbt_project.yml"
            )
        return cls(
            k=None if _is_not_given(mapping["k"]) else _whole_number("k", mapping["k"]),
            k_max=_whole_number("k_max", mapping["k_max"]),
            candidates_k_max=_whole_number("candidates_k_max", mapping["candidates_k_max"]),
            scaling=_choice("scaling", mapping["scaling"]),
            representation=_choice("representation", mapping["representation"]),
            autoencoders=_list("autoencoders", mapping["autoencoders"]),
            pca_variance=_number("pca_variance", mapping["pca_variance"]),
            min_jaccard=_number("min_jaccard", mapping["min_jaccard"]),
            min_segment_share=_number("min_segment_share", mapping["min_segment_share"]),
            bootstraps=_whole_number("bootstraps", mapping["bootstraps"]),
            sample_rows=_whole_number("sample_rows", mapping["sample_rows"]),
            curve_rows=_whole_number("curve_rows", mapping["curve_rows"]),
            silhouette_rows=_whole_number("silhouette_rows", mapping["silhouette_rows"]),
            seed=_whole_number("seed", mapping["seed"]),
        )

    def as_row(self) -> dict[str, str | int | float | None]:
        """Lay the settings out flat; lists become text with commas."""
        row: dict[str, str | int | float | None] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            row[field.name] = ",".join(value) if isinstance(value, tuple) else value
        return row


def _refuse(name: str, value: object, way_out: str) -> None:
    """Raise in the form a user types: the make variable, its value, what to do instead."""
    raise ValueError(f"{name.upper()}={value}: {way_out}")


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def _is_not_given(value: object) -> bool:
    # Jinja writes a var that is none as the text None.
    return value is None or (isinstance(value, str) and value.strip().lower() in ("", "none", "null"))


def _whole_number(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    # int() alone would also take 1_000 and digits of other scripts.
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value):
        return int(value)
    hint = "; leave K out to have it chosen" if name == "k" else ""
    raise ValueError(f"{name.upper()}={value}: expected a whole number{hint}")


def _number(name: str, value: object) -> float:
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and re.fullmatch(r"[0-9eE.+\-\s]+", value):
        try:
            number = float(value)
        except ValueError:
            number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name.upper()}={value}: expected a number, such as 0.9")
    return number


def _word(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name.upper()}={value}: expected a name")
    return value.strip()


def _choice(name: str, value: object) -> str | None:
    """Read a name; None where all are to be compared."""
    if _is_not_given(value):
        return None
    word = _word(name, value)
    return None if word == "auto" else word


def _list(name: str, value: object) -> tuple[str, ...]:
    """Read names separated by commas, each once."""
    if _is_not_given(value):
        return ()
    words = [word.strip() for word in _word(name, value).split(",")]
    return tuple(dict.fromkeys(word for word in words if word))
