#!/usr/bin/env bash
# What `make demo` does: the pipeline on full Fashion-MNIST, a sweep over three architectures, where to look at it.
set -euo pipefail
cd "$(dirname "$0")/.."

git rev-parse --git-dir >/dev/null 2>&1 || dvc config --local core.no_scm true  # a copy without git

if ! dvc repro fetch; then
    # no cache and no network: Debian and Ubuntu have the data set as a package
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1
    echo "installing the Debian package dataset-fashion-mnist, which holds the same images"
    apt-get update -qq && apt-get install -y -qq dataset-fashion-mnist
    dvc repro fetch
fi
dvc repro
python pipelines/train.py -m model=fnn,cnn,lenet trainer.epochs=2

cat <<'END'

Done. The links above show the sweep in MLflow; make ui starts its server. What next:
  source .venv/bin/activate
  python pipelines/compare.py sweep=last report=report.html    the comparison on one page, which opens anywhere
  python pipelines/promote.py sweep=last                       the best becomes champion; predict.py uses it
  dvc exp run -S model=lenet                                   another choice through the same pipeline
  python pipelines/train.py -m model=fnn,cnn 'seed=range(3)'   a sweep; type it again, and nothing is trained twice
END
