"""The parameters of the learning: each declared once, with default, meaning and range, and checked at the door.

dbt's var `learning` carries those that a user gave; make's messages and the table of parameters derive
from the fields of `Settings`. Touches nothing; imports only the standard library until a scaling or an
autoencoder is looked up.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from python_models.typed import Range, number, shown, whole_number

# What KMeans may see, beside the codes of an autoencoder, the simplest first.
REPRESENTATIONS = ("scaled", "pca")
# The silhouette holds all pairwise distances at once, 8 bytes each: 20,000 rows are 3.2 GB.
LARGEST_SILHOUETTE_ROWS = 20_000
LARGEST_SEED = 2**32 - 1
LARGEST_BOOTSTRAPS = 1000
LARGEST_K = 1000
LARGEST_ROWS = 1_000_000_000


def _scalings() -> tuple[str, ...]:
    from python_models.scaling import SCALINGS

    return tuple(SCALINGS)


def _autoencoders() -> tuple[str, ...]:
    from python_models.autoencoder import PRESETS

    return tuple(PRESETS)


def _representations() -> tuple[str, ...]:
    return (*REPRESENTATIONS, *_autoencoders())


@dataclass(frozen=True)
class Parameter:
    """A parameter as users know it.

    Attributes:
        default: as a user may type it, '' where it may be left out.
        meaning: one or two sentences, with unit and range; `{choices}` stands for the names to choose from.
        choices: looks up the names to choose from.
        range: of a number that may be typed; None where it is none, or of the learning, whose `fault` says more.
    """

    default: str | int | float
    meaning: str
    choices: Callable[[], tuple[str, ...]] = tuple
    range: Range | None = None

    @property
    def explanation(self) -> str:
        """The meaning, with the names to choose from."""
        names = [f"`{name}`" for name in self.choices()]
        return self.meaning.replace("{choices}", ", ".join(names[:-1]) + f" or {names[-1]}" if names else "")


@dataclass(frozen=True, kw_only=True)
class LearningParameter(Parameter):
    """A parameter of the learning.

    Attributes:
        read: turns a value as it arrives from a user or from dbt into one of the field's type; is given the
            name too and raises ValueError for what it cannot read.
        fault: says what is wrong with a value among the other settings, in words of a way out; None if nothing.
    """

    read: Callable[[str, object], Any]
    fault: Callable[[Any, "Settings"], str | None]


def _refusal(name: str, value: object, way_out: str) -> ValueError:
    """The error in the form a user types: the make variable, its value, what to do instead."""
    return ValueError(f"{shown(name.upper())}={shown(value)}: {way_out}")


def _is_not_given(value: object) -> bool:
    # Jinja writes a var that is none as the text None.
    return value is None or (isinstance(value, str) and value.strip().lower() in ("", "none", "null"))


def _whole_number(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    read = whole_number(value) if isinstance(value, str) else None
    if read is not None:
        return read
    raise _refusal(name, value, "expected a whole number")


def _whole_number_or_none(name: str, value: object) -> int | None:
    if _is_not_given(value):
        return None
    try:
        return _whole_number(name, value)
    except ValueError as error:
        raise ValueError(f"{error}; leave {name.upper()} out to have it chosen") from None


def _number(name: str, value: object) -> float:
    read = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        read = float(value)
    elif isinstance(value, str):
        read = number(value)
    if read is None or not math.isfinite(read):
        raise _refusal(name, value, "expected a number, such as 0.9")
    return read


def _word(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _refusal(name, value, "expected a name")
    return value.strip()


def _name_or_none(name: str, value: object) -> str | None:
    """Read a name; None where all are to be compared."""
    if _is_not_given(value):
        return None
    word = _word(name, value)
    return None if word == "auto" else word


def _names(name: str, value: object) -> tuple[str, ...]:
    """Read names separated by commas, each once."""
    if _is_not_given(value):
        return ()
    words = [word.strip() for word in _word(name, value).split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


def _unless(holds: Callable[[Any], bool], way_out: str) -> Callable[[Any, "Settings"], str | None]:
    return lambda value, _: None if holds(value) else way_out


def _no_such(what: str, name: str | None, known: tuple[str, ...]) -> str | None:
    if name is None or name in known:
        return None
    return f"no such {what}; choose {' or '.join(known)}, or leave {what.upper()} out to compare them"


def _wrong_customers(rows: int, _: "Settings") -> str | None:
    if rows > LARGEST_ROWS:
        return f"expected a whole number from 2 to {LARGEST_ROWS}"
    return None if rows >= 2 else "at least 2 customers are needed to tell segments apart"


def _too_many_segments(k: int) -> str | None:
    return f"expected at most {LARGEST_K} segments" if k > LARGEST_K else None


def _declared(
    default: str | int | float,
    meaning: str,
    read: Callable[[str, object], Any],
    fault: Callable[[Any, "Settings"], str | None],
    choices: Callable[[], tuple[str, ...]] = tuple,
) -> Any:
    parameter = LearningParameter(default, meaning, choices, read=read, fault=fault)
    return field(metadata={"parameter": parameter})


@dataclass(frozen=True)
class Settings:
    """What a training run is told: a field for each parameter of the learning, its only declaration.

    Raises:
        ValueError: a value is out of its range; the message names parameter, value and way out.

    """

    # None has k chosen.
    k: int | None = _declared(
        "",
        f"Number of segments, 2 to {LARGEST_K}. Left out: chosen by the rule in `python_models/champion.py`.",
        _whole_number_or_none,
        lambda k, _: (
            "a segmentation needs at least 2 segments; leave K out to have it chosen"
            if k is not None and k < 2
            else _too_many_segments(k or 0)
        ),
    )
    k_max: int = _declared(
        20,
        f"Largest number of segments on the inertia curve, 2 to {LARGEST_K}.",
        _whole_number,
        lambda k_max, _: (
            "the curve over k needs to reach at least 2; 20 is usual"
            if k_max < 2
            else _too_many_segments(k_max)
        ),
    )
    candidates_k_max: int = _declared(
        12,
        "Largest number of segments that is resampled and may be chosen, 2 to `K_MAX`.",
        _whole_number,
        lambda value, settings: (
            None
            if 2 <= value <= settings.k_max
            else f"expected a whole number from 2 to K_MAX={settings.k_max}; 12 is usual"
        ),
    )
    # None compares all.
    scaling: str | None = _declared(
        "",
        "How features are brought to one scale: {choices}. Left out: all are compared.",
        _name_or_none,
        lambda name, _: _no_such("scaling", name, _scalings()),
        _scalings,
    )
    # None compares all.
    representation: str | None = _declared(
        "",
        "What KMeans sees, of {choices}: all features, as many components as `PCA_VARIANCE` needs, or the codes "
        "of an autoencoder. Left out: all are compared.",
        _name_or_none,
        lambda name, _: _no_such("representation", name, _representations()),
        _representations,
    )
    # May be empty.
    autoencoders: tuple[str, ...] = _declared(
        "undercomplete,sparse,denoising,variational",
        "Autoencoders to train, of {choices}, separated by commas; `AUTOENCODERS=` for none.",
        _names,
        lambda names, _: next(
            (
                f"{name} is no autoencoder; choose of {', '.join(_autoencoders())}, separated by commas, or none"
                for name in names
                if name not in _autoencoders()
            ),
            None,
        ),
        _autoencoders,
    )
    pca_variance: float = _declared(
        0.9,
        "Share of the variance, above 0 and at most 1, that the components keep where `REPRESENTATION` is `pca`.",
        _number,
        _unless(lambda share: 0 < share <= 1, "expected a share above 0 and at most 1, such as 0.9"),
    )
    min_jaccard: float = _declared(
        0.75,
        "Least Jaccard similarity, 0 to 1, that every segment keeps when the model is fitted again on resamples.",
        _number,
        _unless(lambda least: 0 <= least <= 1, "expected a number from 0 to 1, such as 0.75"),
    )
    min_segment_share: float = _declared(
        0.01,
        "Least share of the customers, 0 to 0.5, in every segment of what is chosen.",
        _number,
        _unless(lambda share: 0 <= share <= 0.5, "expected a share from 0 to 0.5, such as 0.01"),
    )
    bootstraps: int = _declared(
        50,
        f"Resamples on which the model is fitted again, 1 to {LARGEST_BOOTSTRAPS}.",
        _whole_number,
        _unless(
            lambda resamples: 1 <= resamples <= LARGEST_BOOTSTRAPS,
            f"expected a whole number from 1 to {LARGEST_BOOTSTRAPS}; 50 is usual",
        ),
    )
    sample_rows: int = _declared(
        100_000,
        "Most customers the model learns from, 2 or more, drawn by a hash of `customer_id`. All are labelled.",
        _whole_number,
        _wrong_customers,
    )
    curve_rows: int = _declared(
        20_000,
        "Most customers of that sample, 2 or more, the curve over k is computed on; the chosen k is fitted on the "
        "whole sample.",
        _whole_number,
        _wrong_customers,
    )
    silhouette_rows: int = _declared(
        4_000,
        f"Most customers the silhouette is computed on, 2 to {LARGEST_SILHOUETTE_ROWS}; its cost grows with the "
        "square.",
        _whole_number,
        lambda rows, settings: (
            _wrong_customers(rows, settings)
            if rows <= LARGEST_SILHOUETTE_ROWS
            else "memory grows with the square of the rows (8 bytes x rows x rows); "
            f"give at most {LARGEST_SILHOUETTE_ROWS}"
        ),
    )
    seed: int = _declared(
        1,
        f"Whole number, 0 to {LARGEST_SEED}, from which everything random comes.",
        _whole_number,
        _unless(lambda seed: 0 <= seed <= LARGEST_SEED, f"expected a whole number from 0 to {LARGEST_SEED}"),
    )

    def __post_init__(self) -> None:
        """Check every range, also for those who build settings without `from_mapping`."""
        flat = self.as_row()
        for name, parameter in self.parameters().items():
            way_out = parameter.fault(getattr(self, name), self)
            if way_out is not None:
                raise _refusal(name, flat[name], way_out)

    @classmethod
    def parameters(cls) -> dict[str, LearningParameter]:
        """The declaration of each field, by its name."""
        return {each.name: each.metadata["parameter"] for each in fields(cls)}

    @property
    def networks(self) -> tuple[str, ...]:
        """Autoencoders to train: those listed, and the representation where it is one."""
        asked = self.representation
        if asked is None or asked in REPRESENTATIONS or asked in self.autoencoders:
            return self.autoencoders
        return (*self.autoencoders, asked)

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> "Settings":
        """Read what a user gave, and take the defaults for the rest.

        Args:
            given: names of fields, each with its value. Numbers may be text; `k`, `scaling` and
                `representation` may be '' or None, the last two also 'auto'; `autoencoders` is text with
                commas, '' for none.

        Raises:
            ValueError: a name is unknown, or a value cannot be read or is out of range.

        """
        known = cls.parameters()
        for name, value in given.items():
            if name not in known:
                raise _refusal(name, value, f"no such setting; the settings are {', '.join(known)}")
        read = {name: each.read(name, given.get(name, each.default)) for name, each in known.items()}
        return cls(**read)

    def as_row(self) -> dict[str, str | int | float | None]:
        """Lay the settings out flat; lists become text with commas."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: ",".join(each) if isinstance(each, tuple) else each for name, each in values.items()}
