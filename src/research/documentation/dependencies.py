"""The packages the project uses: what for, and under which licence.

Names and versions come from `pyproject.toml` and the locks. A licence is what a package says of itself; it is recorded
in `docs/data/licences.csv` because some packages are installed on other systems only.
"""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

import pandas as pd

from research.documentation.tables import data_file, head, prose, table, text
from research.paths import ROOT

PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", re.MULTILINE)
STRONG, WEAK = (
    re.compile(r"\bA?GPL|GNU (?:Affero )?General Public"),
    re.compile(r"LGPL|MPL|Mozilla|Lesser General"),
)
LARGE_RULE = (
    "Installed size on Linux. `make study` installs `requirements.lock`, 1.4 GB: what its pages import, and what comes",
    "with that. Tools and tests are in `requirements-dev.lock` (`make test`), all else is an extra (`make extras`).",
)
LONGEST_NAME = 60  # a longer field is the text of a licence rather than its name
NOT_STATED = "not stated"
OTHERS = "comes with others"
VERSIONS = ", "  # between the versions that different versions of Python install
OTHER_WORDS = "; "  # between what these versions say of their licence, where they differ
COPYLEFT_RULE = (
    "A copyleft licence asks that a work which contains or uses the package is passed on under that licence too.",
    "The project is under MIT and contains none of these packages: it names them, and each user installs them.",
    "Whoever passes on a bundle, such as a container image, follows the licence of each package in it.",
    "Strong copyleft covers the whole work, weak copyleft the package's own files. This is no legal advice.",
)


def canonical(name: str) -> str:
    """Return a package name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name).group()).lower()


def direct() -> pd.DataFrame:
    """Return the packages that `pyproject.toml` names: `package, used` (run, tests, or the extra's name)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build, dev = (project["dependency-groups"][name] for name in ("build", "dev"))
    groups = {
        "run": project["project"]["dependencies"],
        **{f"extra {name}": needs for name, needs in project["project"]["optional-dependencies"].items()},
        "tests": build + [need for need in dev if isinstance(need, str)],
    }
    rows = [(canonical(need), group) for group, needs in groups.items() for need in needs]
    return pd.DataFrame(rows, columns=["package", "used"]).drop_duplicates("package")


def locked() -> pd.DataFrame:
    """Return all locked packages, those of the extras included: `package, version`, by name."""
    versions: dict[str, list[str]] = {}
    for name, version in PIN.findall((ROOT / "requirements-extras.lock").read_text(encoding="utf-8")):
        versions.setdefault(canonical(name), []).append(version)
    rows = [(name, VERSIONS.join(dict.fromkeys(found))) for name, found in sorted(versions.items())]
    return pd.DataFrame(rows, columns=["package", "version"])


def purposes() -> dict[str, str]:
    """Return what each package that the project names is for."""
    table = pd.read_csv(data_file("dependencies.csv"), dtype=str, keep_default_na=False)
    return dict(zip(table["package"], table["purpose"], strict=True))


def licences() -> pd.DataFrame:
    """Return the record of licences: `package, licence, needed_by`."""
    return pd.read_csv(data_file("licences.csv"), dtype=str, keep_default_na=False)


def stated_licence(package: str) -> str | None:
    """Return the licence an installed package states, None when it is not installed."""
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return None
    field = (about.get("License") or "").strip()
    short = field if field != "UNKNOWN" and "\n" not in field and len(field) <= LONGEST_NAME else ""
    classified = [
        line.rpartition("::")[2].strip()
        for line in about.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    return about.get("License-Expression") or short or " or ".join(classified) or NOT_STATED


def renew_licences() -> None:
    """Write what the installed packages state into the record; keep what is known of those installed elsewhere."""
    before = licences().set_index("package") if data_file("licences.csv").exists() else pd.DataFrame()
    needed = _needed_by()
    rows = []
    for package, version in locked().itertuples(index=False):
        blank = {"licence": NOT_STATED, "needed_by": ""}
        known = before.loc[package].to_dict() if package in before.index else blank
        stated = stated_licence(package)
        if stated is not None:
            licence = known["licence"] if stated == NOT_STATED else stated
            if (
                VERSIONS in version
            ):  # other versions of Python install another one, which may name it otherwise
                others = {*known["licence"].split(OTHER_WORDS), licence} - {NOT_STATED}
                licence = OTHER_WORDS.join(sorted(others))
            known = {"licence": licence, "needed_by": " ".join(needed.get(package, []))}
        rows.append({"package": package, **known})
    pd.DataFrame(rows).to_csv(data_file("licences.csv"), index=False, lineterminator="\n")


def _needed_by() -> dict[str, list[str]]:
    """Return package → installed packages that ask for it; those that do so for an extra only where no other does."""
    always: dict[str, list[str]] = {}
    by_extra: dict[str, list[str]] = {}
    for package in locked()["package"]:
        try:
            needs = metadata.requires(package) or []
        except metadata.PackageNotFoundError:
            continue
        for need in needs:
            places = (by_extra if "extra ==" in need else always).setdefault(canonical(need), [])
            places += [package] if package not in places else []
    return by_extra | always


def page() -> str:
    """Return `docs/dependencies.md`."""
    packages = locked().merge(direct(), on="package", how="left").merge(licences(), on="package", how="left")
    packages["purpose"] = packages["package"].map(purposes())
    named, others = packages[packages["used"].notna()], packages[packages["used"].isna()]
    sources = "`pyproject.toml`, `docs/data/dependencies.csv` or `docs/data/licences.csv`"
    lines = head("Dependencies", sources)
    lines += prose(
        f"{len(named)} packages are named in `pyproject.toml`, {len(others)} more come with them.",
        "Versions are those of the lock; licences are what the packages say of themselves.",
        "`make audit` looks the locked versions up in the Python Package Index's database of known vulnerabilities;",
        "it needs the network and fails when the database cannot be reached.",
    )
    lines += ["", "## Copyleft", "", *prose(*COPYLEFT_RULE), ""]
    lines += table(("package", "licence", "kind", "used", "needed by"), _copyleft(packages))
    large = pd.read_csv(data_file("large_packages.csv"), dtype=str)
    lines += ["", "## Packages of 50 MB and more", "", *prose(*LARGE_RULE), ""]
    lines += table(tuple(large.columns), large.itertuples(index=False, name=None))
    columns = ["package", "version", "licence"]
    for group, title in (
        ("run", "The study itself"),
        ("tests", "Tests and upkeep only"),
        ("extra", "Optional"),
    ):
        rows = named[named["used"].str.startswith(group)]
        if group == "extra":
            rows = rows.assign(purpose=rows["used"] + ": " + rows["purpose"])
        told = rows[[*columns, "purpose"]].itertuples(index=False, name=None)
        lines += ["", f"## {title}", "", *table((*columns, "what it is for"), told)]
    lines += ["", "## Packages that come with them", ""]
    lines += table(columns, others[columns].itertuples(index=False, name=None))
    return text(lines)


def copyleft(licence: str) -> str:
    """Return "strong", "weak" or nothing for the name of a licence; a choice that includes another is not copyleft."""
    if re.search(r"\bor\b", licence, re.IGNORECASE) and re.search(r"MIT|BSD|Apache", licence):
        return ""
    if WEAK.search(licence):
        return "weak"
    return "strong" if STRONG.search(licence) else ""


def _copyleft(packages: pd.DataFrame) -> list[tuple[str, ...]]:
    rows = packages.assign(kind=packages["licence"].map(copyleft), used=packages["used"].fillna(OTHERS))
    rows["needed_by"] = rows["needed_by"].str.replace(" ", ", ").where(rows["used"] == OTHERS, "")
    shown = rows[rows["kind"] != ""].sort_values(["kind", "package"])
    return list(shown[["package", "licence", "kind", "used", "needed_by"]].itertuples(index=False, name=None))
