"""Fetching from a local server and from local copies: known hashes are accepted, others refused with what was got."""

from __future__ import annotations

import http.server
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from research.collect import fetch, publishers
from research.errors import UserError
from taiwan_files import write_csv, write_xls, write_xlsx


def clients(rows: int = 5) -> pd.DataFrame:
    """An invented table with the columns of the Taiwan data."""
    numbers = range(1, rows + 1)
    return pd.DataFrame(
        {name: [place * 10 + row for row in numbers] for place, name in enumerate(publishers.TAIWAN_COLUMNS)}
    )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source whose hashes are those of an invented table; downloads go to a temporary folder."""
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RESEARCH_DATA", raising=False)
    served = tmp_path / "served"
    served.mkdir()
    table = clients()
    xls = write_xls(served / "default of credit card clients.xls", table)
    archive = served / "clients.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(xls, "folder/default of credit card clients.xls")
    source = {
        "taiwan": {
            "url": "http://127.0.0.1:1/clients.zip",
            "archive": "clients.zip",
            "archive_sha256": fetch.file_sha256(archive),
            "parts": {
                "clients": {
                    "table_sha256": publishers.table_sha256(table),
                    "files": [{"name": xls.name, "sha256": fetch.file_sha256(xls)}],
                }
            },
        }
    }
    monkeypatch.setattr(fetch, "sources", lambda: source)
    return served


@pytest.fixture
def server(world: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(world))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


class Counter:
    """A progress bar that only counts."""

    total, seen, closed = 0, 0, False

    def update(self, size: int) -> None:
        self.seen += size

    def reset(self) -> None:
        self.seen = 0

    def close(self) -> None:
        self.closed = True


def test_every_packaging_gives_the_same_frame(tmp_path: Path) -> None:
    table = clients()
    for path in (
        write_csv(tmp_path / "a.csv", table),
        write_xlsx(tmp_path / "a.xlsx", table),
        write_xls(tmp_path / "a.xls", table),
    ):
        pd.testing.assert_frame_equal(publishers.read_taiwan(path), table)


def test_a_download_is_verified_shows_progress_and_is_kept(world: Path, server: str) -> None:
    bar = Counter()
    parts = fetch.fetch("taiwan", url=f"{server}/clients.zip", progress=bar)
    assert parts.loc[0, ["part", "known_by"]].tolist() == ["clients", "file hash"]
    assert bar.total == (world / "clients.zip").stat().st_size
    here = fetch.locate("taiwan")["clients"]
    assert here.path.parent == fetch.downloads("taiwan")
    pd.testing.assert_frame_equal(publishers.read_taiwan(here.path), clients())
    (world / "clients.zip").unlink()  # a second fetch uses the kept archive
    assert fetch.fetch("taiwan", url=f"{server}/clients.zip").equals(parts)


def test_a_download_with_another_hash_is_refused_and_nothing_is_kept(world: Path, server: str) -> None:
    (world / "clients.zip").write_bytes(b"something else")
    got = fetch.file_sha256(world / "clients.zip")
    with pytest.raises(UserError, match=got):
        fetch.fetch("taiwan", url=f"{server}/clients.zip")
    assert not fetch.is_here("taiwan")


def test_an_address_that_does_not_answer_says_how_to_go_on(world: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be downloaded.*--from FILE"):
        fetch.fetch("taiwan", url="http://127.0.0.1:1/clients.zip")


@pytest.mark.parametrize("write", [write_csv, write_xlsx], ids=["csv", "xlsx"])
def test_a_local_copy_in_another_packaging_is_known_by_its_content(
    world: Path, tmp_path: Path, write
) -> None:
    suffix = "csv" if write is write_csv else "xlsx"
    parts = fetch.fetch("taiwan", write(tmp_path / f"my copy.{suffix}", clients()))
    assert parts.loc[0, "known_by"] == "content hash"
    here = fetch.locate("taiwan")["clients"]
    pd.testing.assert_frame_equal(publishers.read_taiwan(here.path), clients())


def test_a_local_copy_with_one_changed_value_is_refused_and_says_what_it_got(
    world: Path, tmp_path: Path
) -> None:
    table = clients()
    table.loc[2, "AGE"] += 1
    path = write_csv(tmp_path / "copy.csv", table)
    with pytest.raises(UserError, match="refused") as error:
        fetch.fetch("taiwan", path)
    assert fetch.file_sha256(path) in str(error.value)
    assert publishers.table_sha256(table) in str(error.value)
    assert publishers.table_sha256(clients()) in str(error.value)
    assert not fetch.is_here("taiwan")


def test_research_data_names_a_folder_of_local_copies(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEARCH_DATA", str(world.parent))
    assert fetch.locate("taiwan")["clients"].path.parent == world
    monkeypatch.setenv("RESEARCH_DATA", str(world / "nowhere"))
    with pytest.raises(UserError, match=r"RESEARCH_DATA is .*not a folder"):
        fetch.locate("taiwan")


def test_other_mistakes_are_named(world: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'taiwan'"):
        fetch.fetch("taiwann")
    with pytest.raises(UserError, match="no such file or folder"):
        fetch.fetch("taiwan", tmp_path / "missing.zip")
    with pytest.raises(
        UserError, match=r"no file for 'clients'; expected default of credit card clients.xls"
    ):
        fetch.fetch("taiwan", tmp_path)
    (tmp_path / "broken.csv").write_text("ID,LIMIT_BAL\n1,2\n")
    with pytest.raises(UserError, match="it holds no such table"):
        fetch.fetch("taiwan", tmp_path / "broken.csv")


def test_every_known_hash_is_written_in_full() -> None:
    for source in fetch.sources().values():
        hashes = [file["sha256"] for part in source["parts"].values() for file in part["files"]]
        hashes += [part["table_sha256"] for part in source["parts"].values() if "table_sha256" in part]
        hashes += [source["archive_sha256"]] if source["archive_sha256"] else []
        assert all(len(value) == 64 and set(value) <= set("0123456789abcdef") for value in hashes)
        assert source["url"].startswith("https://")
