"""A file is there whole or as it was."""

import errno
from concurrent.futures import ThreadPoolExecutor

import pytest

from research.files.wholefiles import whole


def test_what_is_written_takes_the_place_of_the_file(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with whole(path) as new:
        new.write_text("a")
        assert not path.exists()
    assert path.read_text() == "a"
    assert [found.name for found in path.parent.iterdir()] == ["table.csv"]


def test_a_block_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), whole(path) as new:
        new.write_text("half")
        1 / 0  # noqa: B018
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_many_writers_of_one_file_leave_one_of_their_versions(tmp_path):
    path = tmp_path / "table.csv"

    def write(number: int) -> None:
        with whole(path) as new:
            new.write_text(f"{number:03}" * 1000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(200)))
    said = path.read_text()
    assert said == said[:3] * 1000
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError), whole(tmp_path / "file" / "table.csv"):
        pass


@pytest.mark.parametrize("named", [None, "temporary"])
def test_a_full_disk_names_the_file_that_was_to_be_written(tmp_path, named):
    path = tmp_path / "report.csv"
    with pytest.raises(OSError) as told, whole(path) as temporary:
        raise OSError(errno.ENOSPC, "No space left on device", named and str(temporary))
    assert told.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []
