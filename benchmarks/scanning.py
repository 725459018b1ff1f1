"""Every window of a 200x200 image: crops in batches, against shifted passes stitched together and one dilated pass.

Then megapixels per second of a 2000x2000 image in one pass, and the most memory that the process has taken until then.

python benchmarks/scanning.py tensorflow 5 lenet,cnn,fnn      backend, rounds, models of conf/model
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
from hydra.utils import instantiate
from support import ROOT, machine, ratios, spread

from eyechart.core.conf import read_option
from eyechart.training.backend.choose import activate

WINDOW = (28, 28, 1)


def main() -> None:
    backend = sys.argv[1] if len(sys.argv) > 1 else "tensorflow"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    names = (sys.argv[3] if len(sys.argv) > 3 else "lenet,cnn,fnn").split(",")
    activate(backend, "cpu", "float32")
    from eyechart.inference.scanning import Scanner
    from eyechart.training.backend.choose import module_of

    print(f"Seconds for 173x173 windows of 28x28 pixels, {rounds} rounds on {backend}. {machine()}\n")
    print("| model | crops | shift and stitch | one pass | stitched, times as fast | one pass, times as fast |")
    print("|:--|--:|--:|--:|--:|--:|")
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 1), np.uint8)
    large = np.random.default_rng(0).integers(0, 256, (2000, 2000, 1), np.uint8)
    scanners = []
    crops = np.lib.stride_tricks.sliding_window_view(image, WINDOW).reshape(-1, *WINDOW)
    for name in names:
        node = read_option(ROOT / "conf" / "model" / f"{name}.yaml")
        del node["name"]
        model = instantiate(node, _convert_="all").build(WINDOW, 10)
        scanner, predictor = Scanner(model), module_of(backend).Predictor(model, "cpu")
        scanners.append(scanner)
        ways: list[Callable[[], object]] = [
            lambda predictor=predictor: list(predictor.predict(crops)),
            lambda scanner=scanner: scanner.shift_and_stitch(image),
            lambda scanner=scanner: scanner.one_pass(image),
        ]
        taken: list[list[float]] = [[] for _ in ways]
        for number in range(rounds + 1):
            for way, seconds in zip(ways, taken, strict=True):
                began = time.perf_counter()
                way()
                if number:  # the first compiles
                    seconds.append(time.perf_counter() - began)
        cells = [*(spread(seconds, 3) for seconds in taken), *(spread(ratios(each, taken[0]), 1) for each in taken[1:])]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)

    print("\n| model | megapixels per second | tiles | GB |")
    print("|:--|--:|--:|--:|")
    for name, scanner in zip(names, scanners, strict=True):
        tiles = scanner.tiles(large, "one_pass")
        began = time.perf_counter()
        for tile in tiles:  # each by itself: the whole map is not held
            scanner.read(large, tile)
        speed = large.size / 1e6 / (time.perf_counter() - began)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # of KiB on Linux
        print(f"| {name} | {speed:.2f} | {len(tiles)} | {held:.1f} |", flush=True)


if __name__ == "__main__":
    main()
