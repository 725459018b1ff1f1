"""The report: runs compared on one page that opens anywhere, also without a network.

results -> boards -> for each: gathering (files of the runs) -> facts (numbers) -> words, charts, examples, pairs
-> sections -> page. The page's looks and what it does are in `page.html.j2`, `page.css` and `page.js`.
"""

from eyechart.comparison.report.page import write_report

__all__ = ["write_report"]
