"""The report in a browser: what it draws, and what a person can do in it by mouse and by keyboard."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import console, open_browser, requested, wait_for
from support import link_data, run_program

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(digits_root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the report on a sweep of three models with two seeds each."""
    root = link_data(digits_root, tmp_path_factory.mktemp("report"))
    sweep = "dataset=digits model=fnn,cnn,lenet seed=0,1 trainer.epochs=3 trainer.batch_size=32 tracking=none"
    done = run_program(root, "train", "-m", *sweep.split())
    assert done.returncode == 0, done.stderr
    done = run_program(root, "compare", "sweep=last", "report=report.html", "tracking=none")
    assert done.returncode == 0, done.stderr
    return (root / "report.html").as_uri()


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with open_browser() as driver:
        yield driver


@pytest.fixture
def browser(opened: Any, page: str) -> Any:
    """The page anew, and drawn."""
    opened.get(page)
    wait_for(lambda: opened.execute_script("return document.documentElement.dataset.drawn") == "yes")
    return opened


def all_of(browser: Any, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def one(browser: Any, selector: str) -> Any:
    return all_of(browser, selector)[0]


def texts(browser: Any, selector: str) -> list[str]:
    return [element.get_attribute("textContent") for element in all_of(browser, selector)]


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def choose(browser: Any, side: str, row: int) -> None:
    from selenium.webdriver.support.select import Select

    Select(one(browser, f".choose-{side}")).select_by_index(row)


def test_it_says_nothing_on_the_console_and_asks_for_nothing(browser, page):
    console(browser), requested(browser)  # what came before
    browser.refresh()
    wait_for(lambda: browser.execute_script("return document.documentElement.dataset.drawn") == "yes")
    assert console(browser) == []
    assert set(requested(browser)) <= {page}


def test_every_chart_has_marks(browser):
    charts = all_of(browser, ".chart")
    assert len(charts) == 1 + 2 + 4 + 3
    for chart in charts:
        assert chart.find_elements("css selector", "svg path"), chart.get_attribute("id")
        assert chart.find_element("css selector", "svg").size["width"] > 100


def test_every_picture_is_there(browser):
    shown = browser.execute_script("return [...document.images].map((image) => [image.naturalWidth, image.alt])")
    assert len(shown) > 20
    assert all(width > 0 and alt.startswith("test image ") for width, alt in shown)


def test_a_point_tells_its_numbers(browser):
    from selenium.webdriver import ActionChains

    point = one(browser, "#intervals-1 .mark-symbol path")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", point)
    ActionChains(browser).move_to_element(point).perform()
    wait_for(lambda: "test accuracy" in texts(browser, "#vg-tooltip-element")[0])


def test_tables_are_sorted_by_mouse_and_by_keyboard(browser):
    from selenium.webdriver.common.keys import Keys

    def column(number: int) -> list[str]:
        return texts(browser, f"#leaderboard-1 ~ .scroll tbody tr > :nth-child({number})")

    headers = all_of(browser, "#leaderboard-1 ~ .scroll thead th")
    before = column(1)
    assert before == ["1", "2", "3"]
    headers[4].find_element("tag name", "button").click()
    assert headers[4].get_attribute("aria-sort") == "descending"
    scores = [float(cell.split()[0]) for cell in column(5)]
    assert scores == sorted(scores, reverse=True)
    number = [header.text.split()[0] for header in headers].index("parameters")
    button = headers[number].find_element("tag name", "button")
    button.send_keys(Keys.ENTER)
    button.send_keys(Keys.SPACE)
    assert (headers[number].get_attribute("aria-sort"), headers[4].get_attribute("aria-sort")) == ("ascending", None)
    parameters = [int(cell.replace(",", "")) for cell in column(number + 1)]
    assert parameters == sorted(parameters)


def test_any_two_rows_can_be_compared(browser):
    def state() -> tuple[str, ...]:
        names = ("matrix-a", "matrix-b", "matrix-difference", "verdict", "examples")
        return tuple(one(browser, f".{name}").get_attribute("textContent") for name in names)

    first = state()
    assert first[0].startswith("A: 1")
    assert first[1].startswith("B: 2")
    assert re.search(r"among the board's 2 comparisons with row 1 p [=<] [\d.]+$", first[3])
    choose(browser, "b", 2)
    other = state()
    assert other[0] == first[0]
    assert all(new != old for new, old in zip(other[1:], first[1:], strict=True))
    choose(browser, "a", 1)
    choose(browser, "b", 0)
    turned = state()
    assert turned[1].startswith("B: 1")
    assert turned[3].replace("\n", " ") == first[3].replace("\n", " ")
    minus = [
        cell.replace("+", "x").replace("−", "+").replace("x", "−") for cell in texts(browser, ".matrix-difference td")
    ]
    choose(browser, "a", 0)
    choose(browser, "b", 1)
    assert texts(browser, ".matrix-difference td") == minus
    choose(browser, "b", 0)
    assert "A and B are the same row: choose two." in state()[3]


def test_the_matrices_add_up(browser):
    labels = texts(browser, ".by-class tbody td:nth-child(2)")
    for row, images in enumerate(labels):
        cells = texts(browser, f".matrix-a tbody tr:nth-child({row + 1}) td")
        assert sum(float(cell) for cell in cells if cell != "·") == pytest.approx(int(images), abs=0.5)


def test_a_cell_shows_its_images_by_mouse_and_by_keyboard(browser):
    from selenium.webdriver.common.keys import Keys

    cell = one(browser, '.matrix-difference td[data-true="8"][data-answer="8"]')
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", cell)
    cell.click()
    assert texts(browser, ".examples h4") == ["8, and right"]
    assert cell.get_attribute("aria-selected") == "true"
    assert len(all_of(browser, '.matrix-difference td[tabindex="0"]')) == 1
    browser.execute_script("arguments[0].focus()", cell)
    press(browser, Keys.ARROW_UP, Keys.ARROW_LEFT, Keys.ENTER)
    assert texts(browser, ".examples h4") == ["7, and right"]
    focused = browser.switch_to.active_element
    assert (focused.get_attribute("data-true"), focused.get_attribute("data-answer")) == ("7", "7")


def test_the_examples_are_as_many_as_the_table_says(browser):
    for line in all_of(browser, ".by-class tbody tr"):
        cells = line.find_elements("css selector", "td")
        only_a, only_b = (int(cell.get_attribute("textContent")) for cell in cells[3:5])
        button = line.find_element("css selector", "button")
        browser.execute_script("arguments[0].click()", button)
        notes = texts(browser, ".examples .note")
        for note, count in zip(notes, (only_a, only_b), strict=True):
            assert f": {count} image" in note


def test_a_row_stands_out_in_every_chart(browser):
    def faded() -> int:
        return len(all_of(browser, '.chart svg path[opacity="0.06"]'))

    assert faded() == 0
    button = one(browser, ".legend button")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    wait_for(lambda: faded() > 5)
    button.click()
    wait_for(lambda: faded() == 0)


def test_all_that_can_be_done_can_be_done_by_keyboard(browser):
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")
    press(browser, Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    reached = set()
    for _ in range(200):
        press(browser, Keys.TAB)
        element = browser.switch_to.active_element
        if element.tag_name == "body":
            break
        reached.add(element.id)
        style = "const s = getComputedStyle(arguments[0]); return s.outlineStyle + ' ' + s.outlineWidth"
        assert browser.execute_script(f"{style}", element) == "solid 2px", element.get_attribute("outerHTML")[:200]
    wanted = all_of(browser, 'main button, main select, main a, .scroll[tabindex], td[tabindex="0"]')
    assert {element.id for element in wanted} <= reached


def test_headings_are_in_order_and_ids_are_one(browser):
    levels = browser.execute_script("return [...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map((each) => each.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_seen_on_light_and_on_dark(browser, scheme):
    feature = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
    try:
        look = "const s = getComputedStyle(arguments[0]); return [s.color, s.backgroundColor]"
        ink, paper = browser.execute_script(look, one(browser, "body"))
        brightness = [sum(map(int, colour[4:-1].split(","))) for colour in (ink, paper)]
        assert (
            (brightness[0] < 200 < 700 < brightness[1]) if scheme == "light" else (brightness[0] > 600 > brightness[1])
        )
        axis = "return getComputedStyle(document.querySelector('.chart svg text')).fill"
        assert browser.execute_script(axis) == ink
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_is_wider_than_the_window(browser, page, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(page)
        wait_for(lambda: browser.execute_script("return document.documentElement.dataset.drawn") == "yes")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_can_be_printed(browser):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        hidden = browser.execute_script("return getComputedStyle(document.querySelector('nav')).display")
        assert hidden == "none"
        assert all(chart.is_displayed() for chart in all_of(browser, ".chart svg"))
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert base64.b64decode(browser.print_page()).startswith(b"%PDF")
