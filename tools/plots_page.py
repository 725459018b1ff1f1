"""The page around DVC's plots, with the library that draws them in it: DVC's own page fetches that from elsewhere.

python tools/plots_page.py     as `make install` does; DVC's configuration of this checkout then names the page
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from eyechart.core import paths
from eyechart.core.files import write_text

PAGE = "plots.html"  # in .dvc, not in git: it is a megabyte, and is made again by the line above
# DVC puts its plots in the place of {plot_divs}; each of them asks for vegaEmbed at once, and a module comes later
TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>DVC plots</title>
{refresh_tag}
<style>
body { font-family: system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
img { max-width: 36rem; }
</style>
<script>
window.plots = [];
window.vegaEmbed = (...plot) => window.plots.push(plot);
</script>
</head>
<body>
{plot_divs}
<script type="module">
"""
VEGA_LITE = "5.21"  # DVC writes its plots for version 5
DRAW = "window.plots.forEach(([place, chart]) => vegaEmbed(place, chart, { renderer: 'svg', actions: false }));"


def write(folder: Path) -> Path:
    """Write the page to DVC's folder, whole or not at all."""
    import vl_convert

    path = folder / PAGE
    drawing = vl_convert.javascript_bundle(DRAW, vl_version=VEGA_LITE)
    write_text(path, f"{TEMPLATE}{drawing}\n</script>\n</body>\n</html>\n")
    return path


if __name__ == "__main__":
    write(paths.SOURCE / ".dvc")
    subprocess.run(["dvc", "config", "--local", "plots.html_template", PAGE], cwd=paths.SOURCE, check=True)
