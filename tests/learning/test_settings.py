"""The settings of a training run: what they accept, and what they say to what they do not."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from python_models.settings import Settings

GIVEN: dict[str, Any] = {
    "k": "",
    "k_max": "20",
    "candidates_k_max": "12",
    "scaling": "standard",
    "representation": "scaled",
    "autoencoders": "undercomplete, variational",
    "pca_variance": "0.9",
    "min_jaccard": "0.75",
    "min_segment_share": 0.01,
    "bootstraps": "50",
    "sample_rows": "100000",
    "curve_rows": 20000,
    "silhouette_rows": "4000",
    "seed": 1,
}


@pytest.mark.parametrize("not_given", ["", "  ", None, "None", "null"])
def test_k_not_given_means_that_it_is_chosen(not_given: str | None) -> None:
    assert Settings.from_mapping(GIVEN | {"k": not_given}).k is None


@pytest.mark.parametrize("seven", ["7", 7, 7.0, " 7 ", "+7"])
def test_whole_numbers_arrive_as_text_or_number(seven: object) -> None:
    settings = Settings.from_mapping(GIVEN | {"k": seven, "seed": seven})
    assert (settings.k, settings.seed) == (7, 7)
    assert type(settings.k) is int


def test_all_values_arrive_in_their_types() -> None:
    assert Settings.from_mapping(GIVEN) == Settings(
        k=None,
        k_max=20,
        candidates_k_max=12,
        scaling="standard",
        representation="scaled",
        autoencoders=("undercomplete", "variational"),
        pca_variance=0.9,
        min_jaccard=0.75,
        min_segment_share=0.01,
        bootstraps=50,
        sample_rows=100_000,
        curve_rows=20_000,
        silhouette_rows=4_000,
        seed=1,
    )


@pytest.mark.parametrize("compared", ["", "auto", None, "None"])
def test_scaling_and_representation_not_given_are_compared(compared: str | None) -> None:
    settings = Settings.from_mapping(GIVEN | {"scaling": compared, "representation": compared})
    assert (settings.scaling, settings.representation) == (None, None)


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), (None, ()), ("course", ("course",)), (" sparse,,course , sparse", ("sparse", "course"))],
)
def test_autoencoders_are_a_list_with_commas(text: str | None, names: tuple[str, ...]) -> None:
    assert Settings.from_mapping(GIVEN | {"autoencoders": text}).autoencoders == names


def test_an_autoencoder_that_is_the_representation_is_trained() -> None:
    networks = {
        representation: Settings.from_mapping(GIVEN | {"representation": representation}).networks
        for representation in ("", "pca", "variational", "sparse")
    }
    listed = ("undercomplete", "variational")
    assert networks == {"": listed, "pca": listed, "variational": listed, "sparse": (*listed, "sparse")}


def test_a_row_of_settings_is_flat() -> None:
    row = Settings.from_mapping(GIVEN).as_row()
    assert list(row) == list(GIVEN)
    assert row["autoencoders"] == "undercomplete,variational"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "k",
            "1",
            "K=1: a segmentation needs at least 2 segments; leave K out to have it chosen",
        ),
        ("k", -3, "K=-3: a segmentation needs at least 2"),
        ("k", "seven", "K=seven: expected a whole number; leave K out to have it chosen"),
        ("k", "7.5", "K=7.5: expected a whole number"),
        ("k", 7.5, "K=7.5: expected a whole number"),
        ("k", True, "K=True: expected a whole number"),
        ("k", "1_0", "K=1_0: expected a whole number"),
        ("k", "\N{ARABIC-INDIC DIGIT SEVEN}", "expected a whole number"),
        ("k_max", "1", "K_MAX=1: the curve over k needs to reach at least 2"),
        ("k_max", "", "K_MAX=: expected a whole number"),
        ("candidates_k_max", 1, "CANDIDATES_K_MAX=1: expected a whole number from 2 to K_MAX=20"),
        ("candidates_k_max", 21, "CANDIDATES_K_MAX=21: expected a whole number from 2 to K_MAX=20"),
        ("scaling", "minmax", "SCALING=minmax: no such scaling; choose standard or log_standard or"),
        ("scaling", 7, "SCALING=7: expected a name"),
        (
            "autoencoders",
            "sparse,deep",
            "AUTOENCODERS=sparse,deep: deep is no autoencoder; choose of undercomplete,",
        ),
        ("min_jaccard", 1.1, "MIN_JACCARD=1.1: expected a number from 0 to 1"),
        ("min_segment_share", -0.1, "MIN_SEGMENT_SHARE=-0.1: expected a share from 0 to 0.5"),
        ("bootstraps", 0, "BOOTSTRAPS=0: expected a whole number from 1"),
        (
            "representation",
            "umap",
            "REPRESENTATION=umap: no such representation; choose scaled or pca or undercomplete or",
        ),
        ("pca_variance", "0", "PCA_VARIANCE=0.0: expected a share above 0 and at most 1"),
        ("pca_variance", 1.5, "PCA_VARIANCE=1.5: expected a share above 0 and at most 1"),
        ("pca_variance", "much", "PCA_VARIANCE=much: expected a number"),
        ("pca_variance", "nan", "PCA_VARIANCE=nan: expected a number"),
        ("pca_variance", float("inf"), "PCA_VARIANCE=inf: expected a number"),
        ("pca_variance", "--", "PCA_VARIANCE=--: expected a number"),
        ("sample_rows", 1, "SAMPLE_ROWS=1: at least 2 customers"),
        ("curve_rows", 0, "CURVE_ROWS=0: at least 2 customers"),
        ("silhouette_rows", 0, "SILHOUETTE_ROWS=0: at least 2 customers"),
        ("silhouette_rows", 100_000, "SILHOUETTE_ROWS=100000: memory grows with the square"),
        ("seed", -1, "SEED=-1: expected a whole number from 0"),
        ("seed", 2**32, "SEED=4294967296: expected a whole number from 0"),
    ],
)
def test_a_bad_value_is_refused_with_parameter_value_and_way_out(
    name: str, value: object, message: str
) -> None:
    with pytest.raises(ValueError) as error:
        Settings.from_mapping(GIVEN | {name: value})
    assert message in str(error.value)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"KMAX=20: no such setting; the settings are k, k_max,"):
        Settings.from_mapping(GIVEN | {"kmax": 20})


def test_what_is_not_given_has_its_declared_default() -> None:
    declared = Settings.parameters()
    assert Settings.from_mapping({}) == Settings.from_mapping(
        {name: parameter.default for name, parameter in declared.items()}
    )
    assert Settings.from_mapping({"k": 7}) == replace(Settings.from_mapping({}), k=7)


@pytest.mark.parametrize("name", list(Settings.parameters()))
def test_every_setting_says_what_it_means_and_what_can_be_chosen(name: str) -> None:
    parameter = Settings.parameters()[name]
    assert parameter.explanation.endswith(".") and "{" not in parameter.explanation
    assert all(f"`{choice}`" in parameter.explanation for choice in parameter.choices())


def test_ranges_hold_for_settings_built_directly_too() -> None:
    with pytest.raises(ValueError, match="K=1: a segmentation needs at least 2 segments"):
        replace(Settings.from_mapping(GIVEN), k=1)


def test_importing_the_settings_loads_nothing_heavy() -> None:
    code = "import sys, python_models.settings; print({'numpy', 'pandas', 'scipy', 'sklearn', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
