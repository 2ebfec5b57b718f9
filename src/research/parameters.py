"""What a run of the study is: its typed parameters, read from `studies/*.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from research.errors import UserError, nearest
from research.files.textfiles import is_file, read_yaml
from research.paths import ROOT, STUDIES

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Parameters(BaseModel):
    """Base of all parameter groups: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TierShares(Parameters):
    """Share of customers per tier; the four add up to one."""

    premium: Share = Field(0.10, description="best tier: low risk and high value")
    low: Share = Field(0.50, description="low-risk tier")
    medium: Share = Field(0.30, description="medium-risk tier")
    high: Share = Field(0.10, description="high-risk tier: the riskiest customers")

    @model_validator(mode="after")
    def _add_to_one(self) -> TierShares:
        total = self.premium + self.low + self.medium + self.high
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the four shares add up to {total:g}, expected 1")
        return self

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Return the shares in the order premium, low, medium, high."""
        return self.premium, self.low, self.medium, self.high


FEWEST_SIMULATED = 2000  # with 1,500 the control charts of a tier may find no default to start from


class Costs(Parameters):
    """What money and work cost. All are assumptions; reports say so."""

    funding_rate: Share = Field(0.025, description="cost of funds per year")
    capital_ratio: Share = Field(0.105, description="capital held per unit of risk-weighted exposure")
    risk_weight: Positive = Field(0.75, description="regulatory risk weight of the exposure")
    cost_of_capital: Share = Field(0.10, description="required return on capital per year")
    lgd_unsecured: Share = Field(0.45, description="loss given default without collateral")
    lgd_secured: Share = Field(0.40, description="loss given default on the secured part")
    officer_hour: Positive = Field(60.0, description="cost of one officer hour, in the data set's currency")
    emp_roi: Positive = Field(0.2644, description="return on investment of the expected maximum profit")
    emp_p0: Share = Field(0.55, description="probability of no loss given default")
    emp_p1: Share = Field(0.10, description="probability of full loss given default")


class Fieldwork(Parameters):
    """Workbooks of the survey and interviews; a path is relative to the working folder or the project."""

    survey: str = Field("data/examples/survey_clean.xlsx", description="file or folder; empty: no survey")
    items: str = Field("", description="survey instrument (CSV); empty: the study's own")
    vignettes: str = Field("data/examples/vignettes.xlsx", description="file or folder; empty: none")
    ahp: str = Field("data/examples/ahp.xlsx", description="file or folder of comparisons; empty: none")
    interviews: str = Field("data/examples/interviews", description="folder of transcripts; empty: none")
    codings: list[str] = Field([], description="coding workbooks; empty: those in the folder of transcripts")
    decisions: str = Field(
        "",
        description="what coders decided where they differ; empty: resolve.xlsx beside the transcripts, if there",
    )
    machine: list[str] = Field([], description="codings by language models: projects, workbooks or tables")
    disclosures: list[str] = Field([], description="what is to be known of these models: forms, one for each")
    codebook: str = Field("", description="codebook (CSV); empty: the study's own")
    names: str = Field(
        "", description="names no transcript may hold; empty: names.txt beside the transcripts"
    )
    waivers: str = Field("", description="findings waived; empty: waivers.csv beside the transcripts")
    declarations: str = Field(
        "data/examples/declarations.yml",
        description="what a researcher declares for the checklists; empty: nothing",
    )
    provenance: Literal["invented", "real"] = Field(
        "invented", description="invented fieldwork gets a banner"
    )


NAME = r"^[\w][\w .-]*$"  # a name is also a folder: no path, nothing hidden
_read: dict[str, Study] = {}
WEIGHTED = ("ABC", "RFM")  # the letters of a model are weighed against each other


class Study(Parameters):
    """Everything a run depends on besides code, definitions and data."""

    name: str = Field(
        "default", pattern=NAME, max_length=80, description="name of the study and of its folder in reports/"
    )
    title: str = Field(
        "Loan customer stratification: RFM, ABC and decision tree compared",
        description="title of the reports",
    )
    dataset: str = Field("lendingclub2018", description='a name from "research datasets", or a file')
    crosswalk: str = Field(
        "", description="crosswalk of an own loan book (CSV); empty: <file>_crosswalk.csv beside it"
    )
    compare_datasets: list[str] = Field(
        ["lendingclub2018", "lendingclub2016", "credit_data"],
        description="data sets on which the comparison is repeated; a file has its crosswalk beside it",
    )
    compared_customers: int = Field(
        100_000,
        ge=1000,
        description="customers of an own loan book on whom models are compared; of a larger book a sample is drawn",
    )
    seed: int = Field(20240607, ge=0, le=2**32 - 1, description="start of every random choice")
    tier_shares: TierShares = Field(TierShares(), description="share of customers per tier")
    weights: Literal["equal", "survey"] | dict[Literal["A", "B", "C", "R", "F", "M"], Weight] = Field(
        "equal",
        description="equal, survey (from the experts' comparisons), or numbers for A, B, C and R, F, M",
    )
    folds: int = Field(10, ge=2, le=50, description="folds of the cross-validation")
    repeats: int = Field(5, ge=1, le=100, description="repeats of the cross-validation")
    bootstrap: int = Field(1000, ge=100, le=100_000, description="resamples behind each bootstrap interval")
    stability_refits: int = Field(20, ge=2, le=1000, description="refits behind the stability of the tiers")
    models: list[Literal["rfm", "abc", "tree"]] = Field(
        ["rfm", "abc", "tree"], description="models to compare"
    )
    references: list[Literal["random", "grade", "scorecard", "boosting"]] = Field(
        ["random", "grade", "scorecard", "boosting"], description="references that frame the comparison"
    )
    simulated_customers: int = Field(
        20_000,
        ge=FEWEST_SIMULATED,
        le=5_000_000,
        description="customers of the simulated bank that the monitoring follows",
    )
    small_cell: int = Field(5, ge=0, le=100, description="counts below this are not published")
    costs: Costs = Field(Costs(), description="what money and work cost")
    registration: str = Field(
        "", description="file that `research register` wrote before the data were read; empty: not registered"
    )
    fieldwork: Fieldwork = Field(Fieldwork(), description="workbooks of the survey and interviews")

    @field_validator("simulated_customers", mode="before")
    @classmethod
    def _simulated_customers_are_enough(cls, value: Any) -> Any:
        if isinstance(value, int) and value < FEWEST_SIMULATED:
            raise ValueError(
                f"expected at least {FEWEST_SIMULATED}; with fewer, a tier may have no default to monitor"
            )
        return value

    @model_validator(mode="after")
    def _weights_are_whole(self) -> Study:
        given = self.weights if isinstance(self.weights, dict) else {}
        for letters in WEIGHTED:
            own = [given[letter] for letter in letters if letter in given]
            if own and (len(own) < len(letters) or sum(own) == 0):
                raise ValueError(f"weights: expected all of {', '.join(letters)}, not all of them 0")
        return self

    def with_dataset(self, name: str) -> Study:
        """Return the same study on another data set."""
        return self.model_copy(
            update={"dataset": name, "crosswalk": "" if name != self.dataset else self.crosswalk}
        )

    def elsewhere(self, name: str) -> Study:
        """Return the study on another lender's data: its models and, where it has one, the scorecard."""
        if name == self.dataset:
            return self
        bars = [each for each in self.references if each == "scorecard"]
        return self.with_dataset(name).model_copy(update={"references": bars})


def load(
    study: str | Path = "default", *, dataset: str = "", changes: Mapping[str, Any] | None = None
) -> Study:
    """Read a study and apply changes to it.

    Args:
        study: a name in `studies/` (without `.yml`) or the path of a study file.
        dataset: replaces the study's data set unless empty.
        changes: parameters to replace; nested ones by a dotted name, `{"tier_shares.high": 0.2}`.

    Raises:
        UserError: the file is missing or is not YAML, or a parameter is unknown or does not fit.
    """
    path = find(study)
    values = read_yaml(path, "`parameter: value` lines")
    given = {**(changes or {}), **({"dataset": dataset} if dataset else {})}
    if given.get("dataset", values.get("dataset")) != values.get("dataset"):
        values.pop("crosswalk", None)  # it is that of the study's own data set
    for name, value in given.items():
        _set(values, name, value, str(path))
    _read["last"] = validate(values, where=path.name)
    return _read["last"]


def loaded() -> Study | None:
    """Return the study that this process has read last: in a notebook, its plan. None before any was."""
    return _read.get("last")


def find(study: str | Path) -> Path:
    """Return the file of a study given by name or path."""
    text = str(study)
    direct = Path(text)
    if direct.suffix in {".yml", ".yaml"}:
        for candidate in (direct, ROOT / direct):
            if is_file(candidate):
                return candidate
        raise UserError(f"{text}: no such study file")
    path = STUDIES / f"{text}.yml"
    if "/" in text or "\\" in text or not is_file(path):
        known = [p.stem for p in STUDIES.glob("*.yml")]
        raise UserError(f"study '{text}' is not in studies/{nearest(text, known)}")
    return path


def validate(values: Mapping[str, Any], where: str = "study") -> Study:
    """Check values and return the study; every fault is named with its key and what was expected."""
    try:
        return Study.model_validate(dict(values))
    except ValidationError as error:
        faults = [_fault(dict(item), where) for item in error.errors()]
        raise UserError("\n".join(faults)) from None


def names(model: type[Parameters] = Study, prefix: str = "") -> list[str]:
    """Return the dotted names of all parameters."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Parameters):
            found += names(kind, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found


def _set(values: dict[str, Any], name: str, value: Any, where: str) -> None:
    if name not in names() and name not in Study.model_fields:
        raise UserError(f"{where}: unknown parameter '{name}'{nearest(name, names())}")
    *groups, last = name.split(".")
    target = values
    for group in groups:
        nested = target.get(group)
        target[group] = dict(nested) if isinstance(nested, Mapping) else {}
        target = target[group]
    target[last] = value


def _fault(error: dict[str, Any], where: str) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown parameter '{key}'{nearest(key, names())}"
    message = error["msg"].removeprefix("Value error, ")
    found = "" if isinstance(error["input"], dict) else f" — found {error['input']!r}"
    return f"{where}: {key or 'study'}{found} — {message}"
