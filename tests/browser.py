"""A browser without a window, driven by tests of the pages that people look at. It reaches nothing but this machine."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path("/usr/bin/chromedriver")


@contextmanager
def open_browser(*, width: int = 1200, height: int = 900) -> Iterator[Any]:
    """Debian's Chromium as selenium's `webdriver.Chrome`; where it is not installed, the test is skipped."""
    if not DRIVER.exists():
        pytest.skip("needs Debian's package chromium-driver: type apt-get install chromium-driver")
    from selenium import webdriver

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--force-prefers-reduced-motion",  # what still scrolls cannot be clicked
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            f"--window-size={width},{height}",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
        try:
            yield driver
        finally:
            driver.quit()


def console(driver: Any) -> list[str]:
    """What the pages said on their console since it was asked last, warnings and errors too."""
    return [f"{entry['level']}: {entry['message']}" for entry in driver.get_log("browser")]


def requested(driver: Any) -> list[str]:
    """Every address that the pages asked for since it was asked last; what is within a page or the browser is none."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [message for message in messages if message["method"] == "Network.requestWillBeSent"]
    urls = [message["params"]["request"]["url"] for message in sent]
    return [url for url in urls if not url.startswith(("data:", "blob:", "chrome:"))]


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """What the condition gives as soon as it is true; a test fails where it is not within so many seconds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.05)
    return found
