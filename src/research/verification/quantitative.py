"""Published values of inference, criteria and models."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_moons
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from research.collect.publishers import READERS
from research.compare import economics, inference, ordering
from research.compare.discrimination import gini, h_measure
from research.segment.rfm import RFM
from research.verification.checks import computes, published_table


@computes("demsar")
def demsar() -> dict[str, float]:
    """Ranks, Friedman, Iman-Davenport and critical difference of four variants of C4.5."""
    scores = published_table("demsar_c45")
    tests = inference.friedman(scores).set_index("test")["statistic"]
    ranks = {f"demsar_rank_{i}": rank for i, rank in enumerate(inference.average_ranks(scores), start=1)}
    return ranks | {
        "demsar_friedman": tests["Friedman"],
        "demsar_iman_davenport": tests["Iman-Davenport"],
        "demsar_cd": inference.critical_difference(scores.shape[1], len(scores)),
    }


@computes("nadeau_bengio")
def nadeau_bengio() -> dict[str, float]:
    """Corrected resampled t of two kernels on 100 moons."""
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    areas = [cross_val_score(SVC(kernel=k), X, y, cv=folds, scoring="roc_auc") for k in ("rbf", "linear")]
    test = inference.corrected_t(areas[0] - areas[1], 10 / 90).iloc[0]
    return {"nadeau_bengio_t": test["statistic"], "nadeau_bengio_p": test["p_value"] / 2}


@computes("emp")
def emp() -> dict[str, float]:
    """Expected maximum profit with the parameters of Verbraken et al."""
    example = published_table("empulse_example")
    profit, fraction = economics.expected_maximum_profit(example["y"].to_numpy(), example["score"].to_numpy())
    return {"emp_profit": profit, "emp_fraction": fraction}


@computes("h_measure")
def h_of_ten() -> dict[str, float]:
    """H-measure of ten drawn customers (seed 66), as in the documentation of hmeasure."""
    rng = np.random.default_rng(66)
    return {"h_measure": h_measure(rng.integers(low=0, high=2, size=10), rng.random(10))}


@computes("german_iv", needs="south_german")
def german_iv(path: Path) -> dict[str, float]:
    """Information values of four categories of the South German credit data."""
    credits = READERS["south_german"](path)
    names = {"status": "status", "history": "credit_history", "savings": "savings", "purpose": "purpose"}
    # credit_risk is 1 for a good credit
    tables = {key: pd.crosstab(credits[name], credits["credit_risk"])[[1, 0]] for key, name in names.items()}
    return {f"german_iv_{key}": float(ordering.information_value(t.to_numpy())) for key, t in tables.items()}


@computes("statlog", needs="south_german")
def statlog(path: Path) -> dict[str, float]:
    """Mean cost at five to one over 10 folds: refuse when the chance of a bad credit exceeds one in six."""
    credits = READERS["south_german"](path)
    X, bad = credits.drop(columns="credit_risk"), (credits["credit_risk"] == 0).to_numpy()
    named = ["status", "credit_history", "purpose", "savings", "personal_status_sex", "other_debtors", "property",
             "other_installment_plans", "housing"]  # fmt: skip
    coded = make_column_transformer(
        (OneHotEncoder(drop="first", handle_unknown="ignore"), named), remainder="passthrough"
    )
    models = {
        "statlog_logistic": make_pipeline(coded, StandardScaler(), LogisticRegression(C=np.inf)),
        "statlog_lda": make_pipeline(coded, StandardScaler(), LinearDiscriminantAnalysis()),
        "statlog_cart": DecisionTreeClassifier(min_samples_leaf=0.05, random_state=0),
    }
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    found = {}
    for name, model in models.items():
        with threadpool_limits(1):  # small matrices: threads would cost more than they save
            refused = cross_val_predict(model, X, bad, cv=folds, method="predict_proba")[:, 1] > 1 / 6
        found[name] = float((5 * (bad & ~refused) + (~bad & refused)).mean())
    return found


@computes("taiwan", needs="taiwan")
def taiwan(path: Path) -> dict[str, float]:
    """Area ratios (2 AUC - 1) on the held-out half of the Taiwan card clients."""
    clients = READERS["taiwan"](path)
    X, y = clients.drop(columns=["ID", "default"]), clients["default"].to_numpy()
    train, test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
    network = MLPClassifier((10,), activation="tanh", alpha=0.1, learning_rate_init=0.005, random_state=0)
    models = {
        "taiwan_logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "taiwan_network": make_pipeline(
            StandardScaler(), network.set_params(max_iter=40, n_iter_no_change=40)
        ),
        "taiwan_tree": DecisionTreeClassifier(min_samples_leaf=0.05, random_state=0),
    }
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # the network stops after 40 passes on purpose
        fitted = {name: model.fit(train, y_train) for name, model in models.items()}
    return {name: gini(y_test, model.predict_proba(test)[:, 1]) for name, model in fitted.items()}


@computes("rfm", needs="oracles")
def rfm(folder: Path) -> dict[str, float]:
    """Sizes of the ten named segments of 995 customers."""
    orders = pd.read_csv(folder / "rfm_orders.csv", parse_dates=["order_date"]).groupby("customer_id")
    customers = pd.DataFrame(
        {
            "days": (pd.Timestamp("2006-12-31") - orders["order_date"].max()).dt.days.astype(float),
            "orders": orders.size().astype(float),
            "revenue": orders["revenue"].sum().astype(float),
        }
    )
    model = RFM("days", "orders", "revenue", recipe="plus one").fit(customers)
    counts = pd.Series(model.segments(customers)).value_counts()
    names = {"champions": "Champions", "potential_loyalist": "Potential Loyalist", "loyal": "Loyal Customers",
             "promising": "Promising", "new": "New Customers", "cant_lose": "Can't Lose Them", "at_risk": "At Risk",
             "need_attention": "Need Attention", "about_to_sleep": "About To Sleep", "lost": "Lost"}  # fmt: skip
    return {f"rfm_{key}": float(counts[name]) for key, name in names.items()}
