"""A path that a file names leads nowhere but below its folder."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.core.within import PathError, plain, relative, within

OUTSIDE = ["../secret", "a/../../secret", "/etc/passwd", "//etc/passwd", "", ".", "..", "a\0b", None, 3, ["a"], {}]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_does_not_lead_down_is_refused(tmp_path, name):
    for use in (relative, plain, lambda name: within(tmp_path, name)):
        with pytest.raises(PathError) as caught:
            use(name)
        assert len(str(caught.value).splitlines()) == 1


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "/", "~", "a b"]), max_size=5).map("/".join))
def test_what_is_taken_stays_below(name):
    try:
        found = os.path.normpath(f"/folder/{relative(name)}")
    except PathError:
        return
    assert found.startswith("/folder/")


def test_a_link_may_lead_to_where_it_is_and_not_out(tmp_path):
    folder, outside = tmp_path / "run", tmp_path / "outside"
    (folder / "below").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("s")
    (folder / "below" / "file").write_text("f")
    (folder / "inside").symlink_to("below/file")
    (folder / "out").symlink_to(outside / "secret")
    (folder / "up").symlink_to(outside, target_is_directory=True)
    (folder / "round").symlink_to(folder / "round")
    (tmp_path / "run2").mkdir()  # whose name begins as that of the folder does
    (folder / "beside").symlink_to(tmp_path / "run2")
    assert within(folder, "inside").read_text() == "f"
    assert within(folder, "below/new") == folder / "below/new"
    for name in ("out", "up/secret", "up/new", "beside", "beside/new"):
        with pytest.raises(PathError, match="a link that leads out of it"):
            within(folder, name)
    linked = tmp_path / "linked"
    linked.symlink_to(folder, target_is_directory=True)  # the folder itself may be reached by one
    assert within(linked, "below/file").read_text() == "f"


def test_a_plain_name_is_of_one_folder():
    assert plain("a b.c") == "a b.c"
    for name in ("a/b", "a/", "./a"):
        with pytest.raises(PathError):
            plain(name)
