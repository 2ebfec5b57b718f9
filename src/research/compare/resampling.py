"""Out-of-fold predictions of all models on the same folds, out-of-time predictions and bootstrap refits.

Every model is judged on customers it has not seen. The arrays kept here are all that the criteria need, so
a model is fitted once and judged many times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold

from research.errors import UserError
from research.tiers import TIERS, positions

Maker = Callable[[], Any]
Pair = tuple[str, str]
Judged = dict[str, np.ndarray]  # of one split, a row per model: `score, probability, tier, tier_rate`


@dataclass(frozen=True)
class OutOfFold:
    """Predictions for customers a model has not seen; m model-arm pairs, r repeats, k folds, n customers.

    Attributes:
        pairs: the (model, arm) of each entry of the first axis.
        index: customer ids, in the order of the last axis.
        y: (n,) outcome 0/1, NaN where censored.
        fold: (r, n) number of the fold in which a customer is tested, -1 where never tested.
        score: (m, r, n) risk score, higher = riskier; NaN where not tested.
        probability: (m, r, n) predicted probability of default; NaN where not tested.
        tier: (m, r, n) position in `TIERS`; -1 where not tested.
        tier_rate: (m, r, k, 4) default rate of each tier among the training customers, (bad + 1/2) / (n + 1).
        n_train, n_test: (r, k) sizes.
    """

    pairs: tuple[Pair, ...]
    index: pd.Index
    y: np.ndarray
    fold: np.ndarray
    score: np.ndarray
    probability: np.ndarray
    tier: np.ndarray
    tier_rate: np.ndarray
    n_train: np.ndarray
    n_test: np.ndarray

    @property
    def repeats(self) -> int:
        """Number of repeats."""
        return self.fold.shape[0]

    @property
    def folds(self) -> int:
        """Number of folds per repeat."""
        return self.n_test.shape[1]

    @property
    def tested(self) -> np.ndarray:
        """(n,) True for customers tested in every repeat."""
        return (self.fold >= 0).all(axis=0)

    @property
    def test_train_ratio(self) -> float:
        """Test size over training size, the correction of the corrected resampled t-test."""
        return float(np.mean(self.n_test / self.n_train))

    def expected(self) -> np.ndarray:
        """Return (m, r, n) the training default rate of the tier a customer was put in."""
        rates = np.full(self.score.shape, np.nan)
        for repeat in range(self.repeats):
            rows = self.fold[repeat] >= 0
            rates[:, repeat, rows] = np.take_along_axis(
                self.tier_rate[:, repeat, self.fold[repeat, rows]],
                self.tier[:, repeat, rows, None].astype(int),
                2,
            )[..., 0]
        return rates


@dataclass(frozen=True)
class Folding:
    """Models and the customers whom they are to judge unseen, in repeated stratified folds.

    Each split can be judged by itself, in any process, and all of them are then collected.

    Attributes:
        makers: (model, arm) to a function that makes an unfitted model with `fit_place` and `place`, which return
            `risk` and `tier` and, where the model has it, `probability`, each (rows,).
        X: canonical customer table.
        y: (n,) outcome 0/1 in the order of X; NaN = censored: not fitted and not tested, but counted.
        folds, repeats: `repeats` independent partitions into `folds` folds.
        seed: decides the partitions and nothing else; models bring their own seeds.

    Raises:
        UserError: an outcome class has fewer customers than folds, or a model returned an unknown tier.
    """

    makers: Mapping[Pair, Maker]
    X: pd.DataFrame
    y: Any
    folds: int = 10
    repeats: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        outcome, known = _outcome(self.X, self.y)
        smallest = int(min((outcome[known] == 1).sum(), (outcome[known] == 0).sum()))
        if smallest < self.folds:
            raise UserError(
                f"folds: found {self.folds}, expected at most {smallest}, the customers of the rarer outcome"
            )

    def __len__(self) -> int:
        return self.folds * self.repeats

    def judge(self, split: int) -> Judged:
        """Fit all models on the training rows of one split and return what they say of the others."""
        train, test = next(islice(self._splits(), split, None))
        return _judge(self.makers, self.X, _outcome(self.X, self.y)[0], train, test)

    def collected(self, judged: list[Judged]) -> OutOfFold:
        """Return the predictions of all splits, in their order."""
        outcome = _outcome(self.X, self.y)[0]
        return _collect(self.makers, self.X, outcome, self._splits(), judged, self.repeats, self.folds)

    def _splits(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        outcome, known = _outcome(self.X, self.y)
        splitter = RepeatedStratifiedKFold(
            n_splits=self.folds, n_repeats=self.repeats, random_state=self.seed
        )
        return ((known[train], known[test]) for train, test in splitter.split(known, outcome[known]))


def out_of_fold(
    makers: Mapping[Pair, Maker],
    X: pd.DataFrame,
    y: Any,
    folds: int = 10,
    repeats: int = 5,
    seed: int = 0,
    n_jobs: int = 1,
) -> OutOfFold:
    """Fit every model on the same repeated stratified folds and keep its predictions for the held-out fold.

    Arguments and errors are those of `Folding`; `n_jobs` processes do the work, and do not change the result.
    """
    folding = Folding(makers, X, y, folds, repeats, seed)
    return folding.collected(
        Parallel(n_jobs=n_jobs)(delayed(folding.judge)(split) for split in range(len(folding)))
    )


def out_of_time(
    makers: Mapping[Pair, Maker], X: pd.DataFrame, y: Any, date: Any, test_share: float = 0.3
) -> OutOfFold:
    """Fit every model on the earlier loans and keep its predictions for the later ones (one repeat, one fold).

    Loans of one date stay together; loans without a date or outcome are left out.

    Args:
        makers: see `out_of_fold`.
        X: canonical customer table.
        y: (n,) outcome 0/1, NaN = censored.
        date: (n,) date of each loan.
        test_share: share of loans, at most, that are tested: the latest ones.

    Raises:
        UserError: fewer than two dates, or a period without both outcomes.
    """
    outcome, known = _outcome(X, y)
    dates = pd.Series(pd.to_datetime(np.asarray(date)))
    usable = known[dates.notna().to_numpy()[known]]
    days = dates.iloc[usable]
    later = days > days.quantile(1 - test_share, interpolation="higher")
    if not later.any():
        later = days == days.max()
    train, test = usable[~later.to_numpy()], usable[later.to_numpy()]
    for name, rows in (("earlier", train), ("later", test)):
        if len(np.unique(outcome[rows])) < 2:
            raise UserError(
                f"loan_date: the {name} period has {len(rows)} loans, expected both outcomes among them"
            )
    return _collect(makers, X, outcome, [(train, test)], [_judge(makers, X, outcome, train, test)], 1, 1)


@dataclass(frozen=True)
class Refits:
    """Tiers given to every customer by models refitted on bootstrap samples.

    Attributes:
        pairs: the (model, arm) of each entry of the first axis.
        tier: (m, b, n) position in `TIERS`.
    """

    pairs: tuple[Pair, ...]
    tier: np.ndarray


def bootstrap_refits(
    makers: Mapping[Pair, Maker], X: pd.DataFrame, y: Any, resamples: int = 20, seed: int = 0, n_jobs: int = 1
) -> Refits:
    """Refit every model on bootstrap samples of customers and let it place all customers.

    Samples are drawn within each outcome class, so that no sample lacks defaults; all models see the same ones.
    A model needs `fit` and `predict`.
    """
    outcome, known = _outcome(X, y)
    rng = np.random.default_rng(seed)
    classes = [known[outcome[known] == label] for label in (0, 1)]
    samples = [np.concatenate([rng.choice(rows, len(rows)) for rows in classes]) for _ in range(resamples)]
    placed = Parallel(n_jobs=n_jobs)(delayed(_refit)(makers, X, outcome, sample) for sample in samples)
    return Refits(tuple(makers), np.stack(placed, axis=1))


def tier_codes(tiers: Any) -> np.ndarray:
    """Return (n,) int8 positions in `TIERS` of tier names.

    Raises:
        UserError: a name is not a tier.
    """
    codes = positions(tiers)
    if (codes < 0).any():
        found = sorted({str(name) for name in np.asarray(tiers, dtype=object)[codes < 0]})
        raise UserError(f"tier: found {', '.join(found)}, expected one of {', '.join(TIERS)}")
    return codes.astype(np.int8)


def _outcome(X: pd.DataFrame, y: Any) -> tuple[np.ndarray, np.ndarray]:
    outcome = np.asarray(y, dtype=float)
    if outcome.shape != (len(X),):
        raise UserError(f"outcome: found {outcome.shape[0]} values for {len(X)} customers")
    known = np.flatnonzero(~np.isnan(outcome))
    if not np.isin(outcome[known], (0.0, 1.0)).all():
        raise UserError("outcome: expected 0, 1 or missing")
    return outcome, known


def _collect(
    makers: Mapping[Pair, Maker],
    X: pd.DataFrame,
    outcome: np.ndarray,
    splits: Iterable[tuple[np.ndarray, np.ndarray]],
    judged: list[Judged],
    repeats: int,
    folds: int,
) -> OutOfFold:
    shape = (len(makers), repeats, len(X))
    floats = {name: np.full(shape, np.nan) for name in ("score", "probability")}
    tier = np.full(shape, -1, dtype=np.int8)
    rate = np.empty((len(makers), repeats, folds, len(TIERS)))
    fold = np.full(shape[1:], -1, dtype=np.int16)
    sizes = np.empty((2, repeats, folds), dtype=np.int64)
    for number, ((train, test), result) in enumerate(zip(splits, judged, strict=True)):
        r, k = divmod(number, folds)
        fold[r, test] = k
        sizes[:, r, k] = len(train), len(test)
        for name, array in floats.items():
            array[:, r, test] = result[name]
        tier[:, r, test] = result["tier"]
        rate[:, r, k] = result["tier_rate"]
    return OutOfFold(
        pairs=tuple(makers), index=X.index, y=outcome, fold=fold, tier=tier, tier_rate=rate,
        n_train=sizes[0], n_test=sizes[1], **floats,
    )  # fmt: skip


def _judge(
    makers: Mapping[Pair, Maker], X: pd.DataFrame, outcome: np.ndarray, train: np.ndarray, test: np.ndarray
) -> Judged:
    """Fit all models on the training rows and return their predictions for the test rows, one row per model."""
    before, after, y = X.iloc[train], X.iloc[test], outcome[train]
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("score", "probability", "tier", "tier_rate")}
    for make in makers.values():
        model = make()
        seen, new = model.fit_place(before, y), model.place(after)
        rows["score"].append(new["risk"])
        rows["tier"].append(tier_codes(new["tier"]))
        rows["tier_rate"].append(_tier_rate(tier_codes(seen["tier"]), y))
        own = new.get("probability")
        rows["probability"].append(_platt(seen["risk"], y, new["risk"]) if own is None else own)
    return {name: np.stack(found) for name, found in rows.items()}


def _tier_rate(tier: np.ndarray, y: np.ndarray) -> np.ndarray:
    size = np.bincount(tier, minlength=len(TIERS))
    bad = np.bincount(tier, weights=y, minlength=len(TIERS))
    return (bad + 0.5) / (size + 1)


def _platt(seen: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return probabilities of new scores by a logistic curve through the training scores (Platt 1999)."""
    centre, spread = seen.mean(), seen.std()
    if spread == 0:
        return np.full(len(new), y.mean())
    curve = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    curve.fit(((seen - centre) / spread)[:, None], y)
    return curve.predict_proba(((new - centre) / spread)[:, None])[:, 1]


def _refit(
    makers: Mapping[Pair, Maker], X: pd.DataFrame, outcome: np.ndarray, sample: np.ndarray
) -> np.ndarray:
    drawn = X.iloc[sample]
    # a customer drawn twice keeps its row twice; ids stay unique because some tables insist on it
    drawn = drawn.set_axis(pd.RangeIndex(len(drawn)), axis=0)
    return np.stack([tier_codes(make().fit(drawn, outcome[sample]).predict(X)) for make in makers.values()])
