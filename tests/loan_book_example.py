"""The invented loan book of the how-to: what a bank's export looks like, made from the simulated bank."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.collect.simulate import simulate

SEED, ROWS = 7, 400
PURPOSE = {
    "working capital": "流动资金", "fixed assets": "固定资产", "project": "项目", "business": "经营", "housing": "购房",
    "home improvement": "装修", "car": "购车", "purchase": "消费", "education": "教育", "medical": "医疗",
    "holiday": "旅游", "refinancing": "借新还旧",
}  # fmt: skip
GUARANTEE = {"none": "信用", "mortgage": "抵押", "pledge": "质押", "guarantor": "保证"}
CUSTOMER = {
    "state-owned": "国有企业", "private": "民营企业", "foreign-funded": "外资企业", "individual": "个人",
}  # fmt: skip
INDUSTRY = {"manufacturing": "制造业", "services": "服务业", "real estate": "房地产"}


def loan_book() -> pd.DataFrame:
    """Return the table: Chinese column names, money in 万元, rates in %, names and phones that are invented."""
    customers = simulate(ROWS, seed=SEED, panel=False).customers
    rng = np.random.default_rng(SEED)

    def chinese(column: str, words: dict[str, str]) -> pd.Series:
        return customers[column].astype(object).map(words).fillna("其他")

    days_late = customers["days_past_due"].fillna(0)
    book = pd.DataFrame(
        {
            "客户编号": [f"K{number:05d}" for number in range(1, ROWS + 1)],
            "客户姓名": [f"示例{number:03d}" for number in range(1, ROWS + 1)],
            "手机号": [f"1380000{number:04d}" for number in range(1, ROWS + 1)],
            "放款日期": customers["loan_date"].dt.strftime("%Y/%m/%d"),
            "贷款金额(万元)": (customers["loan_amount"] / 10_000).round(2),
            "贷款期限(月)": customers["term_months"].astype(int),
            "年利率(%)": (customers["interest_rate"] * 100).round(3),
            "基准利率(%)": (customers["benchmark_rate"] * 100).round(3),
            "利率类型": customers["rate_type"].astype(object).map({"fixed": "固定", "floating": "浮动"}),
            "贷款用途": chinese("loan_purpose", PURPOSE),
            "担保方式": chinese("guarantee_type", GUARANTEE),
            "客户类型": chinese("customer_type", CUSTOMER),
            "所属行业": chinese("industry", INDUSTRY),
            "年收入(万元)": (customers["income"] / 10_000).round(2),
            "家庭负债(万元)": (customers["liabilities"] / 10_000).round(2),
            "信用评分": customers["credit_score"].round(),
            "近两年逾期次数": customers["past_delinquencies"].astype(int),
            "月均存款(元)": customers["deposit_balance"].round(2),
            "持有产品数": customers["products_held"].astype(int),
            "最近交易距今(天)": (customers["recency_months"] * 365.25 / 12).round(),
            "近一年交易笔数": customers["frequency_count"].round(),
            "近一年交易金额(万元)": (customers["monetary_amount"] / 10_000).round(2),
            "投诉次数": customers["complaints"].astype(int),
            "年龄": customers["age"].round(),
            "性别": customers["sex"].astype(object).map({"male": "男", "female": "女"}),
            "当前逾期天数": days_late.astype(int),
            "五级分类": pd.cut(
                days_late, [-1, 0, 90, 180, 360, 1e9], labels=["正常", "关注", "次级", "可疑", "损失"]
            ),
            "是否违约": customers["default"].map({1.0: "是", 0.0: "否"}),
        }
    ).reset_index(drop=True)
    book["五级分类"] = book["五级分类"].astype(str)
    gaps = rng.choice(ROWS, 12, replace=False)
    book.loc[gaps, "年收入(万元)"] = np.nan
    return book


def rare_loan_book() -> pd.DataFrame:
    """Return the loan book with classes of few customers: three pledges, one loan in real estate."""
    book = loan_book()
    book["担保方式"] = book["担保方式"].replace("质押", "信用")
    book.loc[[5, 50, 100], "担保方式"] = "质押"
    book["所属行业"] = book["所属行业"].replace("房地产", "服务业")
    book.loc[7, "所属行业"] = "房地产"
    book.loc[[20, 21, 22], "信用评分"] = np.nan
    return book


# What got into the wrong column of the book: construct → column, and text → how many rows have it.
PLANTED = {
    "region": ("地区", {"上海市浦东新区世纪大道100号": 6, "王小明": 1, "zhang.san@example.org": 7}),
    "occupation": ("职业", {"13912345678": 6, "Li Lei (foreman)": 2, "11010519491231002X": 1}),
    "marital_status": ("婚姻状况", {"E12345678": 5, "Mrs Jane Roe": 5, "call 138-0013-8000": 1}),
    "loan_purpose": ("贷款用途", {"John Smith, 12 High Street": 1, "4539 5787 6362 1486": 1}),
}


def planted_loan_book() -> pd.DataFrame:
    """Return the rare loan book with region, occupation and marital status, and persons in them and in the purpose."""
    book, rng = rare_loan_book(), np.random.default_rng(SEED)
    for construct, words in (
        ("region", ["华东", "华南", "华北"]), ("occupation", ["salaried", "self-employed"]),
        ("marital_status", ["married", "single"]),
    ):  # fmt: skip
        book[PLANTED[construct][0]] = rng.choice(words, ROWS)
    row = 110
    for column, texts in PLANTED.values():
        for text, n in texts.items():
            book.loc[row : row + n - 1, column] = text
            row += n
    return book


def planted_crosswalk(crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Return a crosswalk of the loan book that reads the columns of `planted_loan_book` as they are."""
    rows = crosswalk.set_index("construct")
    for construct, (column, _) in PLANTED.items():
        if construct != "loan_purpose":
            told = {"source": column, "transform": "identity", "fit": "direct", "reason": ""}
            rows.loc[construct, list(told)] = list(told.values())
    return rows.reset_index()
