"""What the programs in `pipelines/` share: Hydra around a function, and errors as one line on stderr."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, read_write
from omegaconf.errors import OmegaConfBaseException

from eyechart.core import paths
from eyechart.core.conf import filled, read_option, read_program
from eyechart.core.errors import EyechartError, in_words, nearest

SHOW_TRACEBACKS = "HYDRA_FULL_ERROR"
RESUMED = ("config", "replicate", "reproduce", "sync")  # what goes on where it was interrupted
CONFIG_PATH = ("--config-path", "-cp")
TYPED: list[str] = []  # the words of the command line; those in `sys.argv` may be changed for Hydra
GOES_ON = "; the same command goes on where this one stopped"
EXPECTED = (EyechartError, HydraException, OmegaConfBaseException, OSError)  # what a person can put right


def command(
    config_name: str, *, texts: Collection[str] = (), acts: bool = False
) -> Callable[[Callable[[DictConfig], Any]], Callable[[], None]]:
    """Make a program of a function that takes a composed configuration.

    What a person can put right (an `EyechartError`, an error of Hydra or OmegaConf, a full disk) ends the program
    with exit code 1 and one line on stderr; `HYDRA_FULL_ERROR=1` in the environment shows the traceback instead.
    Anything else is a bug and keeps its traceback.

    Args:
        config_name: the file in `conf/`, without `.yaml`.
        texts: the keys whose values are text, whatever a person types there.
        acts: whether the first word may be what to do, the value of the key `action`: `runs.py verify`.
    """

    def decorate(function: Callable[[DictConfig], Any]) -> Callable[[], None]:
        conf = paths.conf()

        @functools.wraps(function)
        def program() -> None:
            failed: list[Exception] = []

            @functools.wraps(function)
            def task(config: DictConfig) -> Any:
                try:
                    return function(config)
                except EXPECTED as error:
                    if HydraConfig.get().mode == RunMode.MULTIRUN:
                        raise  # the sweeper tells of it, and goes on with the other jobs
                    failed.append(error)  # past Hydra, which would add a line of its own
                    return None

            show = os.environ.get(SHOW_TRACEBACKS) == "1"
            os.environ[SHOW_TRACEBACKS] = "1"  # otherwise Hydra prints errors itself, at length, and exits
            signal.signal(signal.SIGTERM, _interrupt)
            if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # under nohup it stays ignored
                signal.signal(signal.SIGHUP, _interrupt)
            if acts and len(sys.argv) > 1 and re.fullmatch(r"\w+", sys.argv[1]):
                sys.argv[1] = f"action={sys.argv[1]}"
            sys.argv[1:] = [quoted(word, texts) for word in _from_the_door(sys.argv[1:])]
            try:
                if {"--help", "-h"} & set(sys.argv[1:]):
                    print(_help(inspect.getmodule(function).__doc__ or "", conf, config_name))
                    return
                _start(hydra.main(version_base="1.3", config_path=str(conf), config_name=config_name)(task))
                if failed:
                    raise failed[0]
            except KeyboardInterrupt:
                print(f"interrupted{GOES_ON if config_name in RESUMED else ''}", file=sys.stderr)
                sys.exit(130)  # what a shell expects of a program that Ctrl-C ended
            except BrokenPipeError:  # whoever read the output has seen enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(1)
            except Exception as error:
                if show or not (isinstance(error, EXPECTED) or _of_composition(error)):
                    raise
                typed = "" if isinstance(error, EXPECTED) else f" (typed: {' '.join(sys.argv[1:])})"
                sys.exit(f"error: {one_line(error, conf, config_name)}{typed}")
            finally:
                os.environ[SHOW_TRACEBACKS] = "1" if show else "0"

        return program

    return decorate


def _start(main: Callable[[], None]) -> None:
    """Run what Hydra has made of a program.

    In a sweep Hydra composes a configuration before any job's, without the options that are swept, and refuses a value
    whose key these alone have. As a choice of one value it is left to the jobs.
    """
    TYPED[:] = sys.argv[1:]
    while True:
        try:
            return main()
        except HydraException as error:
            words = [_left_to_jobs(word, str(error)) for word in sys.argv[1:]]
            if words == sys.argv[1:] or not {"-m", "--multirun"} & set(words):
                raise
            sys.argv[1:] = words


def _left_to_jobs(word: str, refusal: str) -> str:
    """An override whose value Hydra refuses as a choice of that value; any other as it is."""
    key, _, value = word.partition("=")
    if f"Could not override '{key}'." not in refusal or key.startswith("hydra") or not value or "choice(" in value:
        return word
    return f"{key}=choice({value})"


def as_typed(words: Sequence[str]) -> list[str]:
    """Words that Hydra hands on as a person typed them."""
    changed = dict(zip(sys.argv[1:], TYPED, strict=False))
    return [changed.get(word, word) for word in words]


def quoted(word: str, texts: Collection[str]) -> str:
    """An argument `key=...` as Hydra has to be given it, so that it reads text, whatever stands there.

    Without quotes it would not accept `a=model=cnn` or `images=grüße (1).png`, and take 123e45, the beginning of a run
    key, for a number.

    Args:
        word: as it was typed.
        texts: the keys whose values are text.
    """
    key, _, value = word.partition("=")
    if key not in texts or value in ("", "null") or value[0] in "'\"[":
        return word
    escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + match[2].replace("'", "\\'"), value)
    return f"{key}='{escaped}'"


def _from_the_door(words: Sequence[str]) -> list[str]:
    """What was typed, with the folder of `--config-path` absolute.

    Hydra reads it from the folder of the program's own file, which may be installed anywhere; who types it means the
    file that was started, as `pipelines/train.py`.
    """
    door, found = Path(sys.argv[0]).resolve().parent, list(words)
    for number, word in enumerate(words):
        option, equals, folder = word.partition("=")
        if equals and option in CONFIG_PATH and "://" not in folder:
            found[number] = f"{option}={door / folder}"
        elif number and words[number - 1] in CONFIG_PATH and "://" not in word:
            found[number] = str(door / word)
    return found


def typed_for(group: str) -> str:
    """What a person typed to choose one of a group's options and to change it, as a shell reads it."""
    return words_for(group, typed_words())


def words_for(group: str, words: Iterable[str]) -> str:
    """Those of what was typed that choose one of a group's options and change it, as a shell reads them."""
    return shlex.join(word for word in words if re.match(rf"[+~]*{group}\b", word))


def typed_words() -> list[str]:
    """The overrides that a person typed, or those of a job of a sweep, with their `${...}` as it was typed."""
    words = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    assert isinstance(words, list)
    return list(map(str, words))


def typed_keys() -> set[str]:
    """The keys that a person gave a value, whatever the value."""
    return {word.partition("=")[0].lstrip("+~") for word in typed_words()}


def number_job(hydra: Any, number: int) -> None:
    """Say a job's place in its sweep in Hydra's part of its configuration, where `${hydra:job.num}` is looked up.

    A launcher counts what it was given, which is other jobs each time that something is finished. The job's number with
    a scheduler is known to nobody before, so it is the same.
    """
    with read_write(hydra):
        hydra.job.num, hydra.job.id = number, str(number)
        hydra.runtime.output_dir = os.path.abspath(os.path.join(hydra.sweep.dir, hydra.sweep.subdir))


def resolve(config: DictConfig) -> None:
    """Put in what its `${...}` stand for, once and for all; what stands for nothing is left for a check to tell of."""
    with contextlib.suppress(OmegaConfBaseException):
        OmegaConf.resolve(config)


def own_part(config: DictConfig, config_name: str) -> DictConfig:
    """What a program reads of the configuration that it was started with.

    DVC starts it with that of a whole training. Then it is the keys of the program's own YAML, with the values that
    stand there for those that a training does not have.
    """
    if HydraConfig.get().job.config_name == config_name:
        return config
    values, groups = read_program(paths.conf() / f"{config_name}.yaml")
    return OmegaConf.masked_copy(filled(config, config_name), [*map(str, values), *groups])


def _interrupt(number: int, frame: object) -> None:
    """Treat a polite request to end, as a scheduler or a closing terminal sends it, like Ctrl-C."""
    raise KeyboardInterrupt


def _of_composition(error: Exception) -> bool:
    """Whether it was raised inside Hydra or OmegaConf, which raise plain errors for some wrong values."""
    origin = traceback.extract_tb(error.__traceback__)[-1].filename
    return isinstance(error, ValueError | TypeError) and bool(re.search(r"[/\\](hydra|omegaconf)[/\\]", origin))


def one_line(error: Exception, conf: Path, config_name: str) -> str:
    """Say in one line what is wrong, with the nearest right name where a name is wrong."""
    text = re.sub(r"\s*See https://hydra.cc\S*.*", "", in_words(error))
    if isinstance(error, OverrideParseException):
        return f"cannot read '{error.override}', expected key=value: {' '.join(text.split())}"
    if match := re.search(r"Could not override '([^']+)'", text):
        key, known = match[1], known_keys(conf, config_name)
        if (key in known or key.startswith("hydra.")) and (said := _of_another_option(key, conf)):
            return said
        last = key.rpartition(".")[2]
        elsewhere = next((name for name in known if name.rpartition(".")[2] == last), None)  # below another parent
        hint = f" Did you mean '{elsewhere}'?" if elsewhere else nearest(key, known)
        return f"there is no configuration key '{key}'.{hint} See --help or --cfg job for all of them."
    if match := re.search(r"Could not find 'hydra/launcher/(\w+)_plugin'", text):
        extra = "slurm" if match[1].startswith("submitit") else match[1]
        return f"hydra/launcher={match[1]} needs a package that is not installed: type pip install 'eyechart[{extra}]'"
    if match := re.search(r"Could not find '([^']+)'", text):
        group, _, option = match[1].partition("/")
        names = _options(conf / group)
        return f"{group or 'conf'} has no option '{option}'.{nearest(option, names)} Options: {', '.join(names)}."
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _of_another_option(key: str, conf: Path) -> str:
    """What to say of a key that the option which was chosen does not have; empty unless others of its group have it."""
    parts = key.split(".")
    depth = 2 if parts[0] == "hydra" else 1  # hydra/launcher, and not hydra
    group, inner = "/".join(parts[:depth]), ".".join(parts[depth:])
    options = {file.stem: read_option(file) for file in sorted((conf / group).glob("*.yaml"))}
    having = [name for name, option in options.items() if inner in _flatten(option)]
    if not having:
        return ""
    add = "" if any("_target_" in option for option in options.values()) else f", or type +{key}= to add it"
    return (
        f"there is no configuration key '{key}' in the {group} that was chosen: "
        f"type {group}= and one that has it ({', '.join(having)}){add}"
    )


def known_keys(conf: Path, config_name: str) -> list[str]:
    """Every key that the configuration may have, dotted, whichever options its groups are given."""
    values, groups = read_program(conf / f"{config_name}.yaml")
    keys = [*_flatten(values), *groups]
    for group in groups:
        for file in (conf / group).glob("*.yaml"):
            keys += [f"{group}.{key}" for key in _flatten(read_option(file)) if key != "_target_"]
    return list(dict.fromkeys(keys))


def _flatten(config: Any) -> Iterator[str]:
    for key, value in config.items_ex(resolve=False):
        yield str(key)
        if isinstance(value, DictConfig):
            yield from (f"{key}.{inner}" for inner in _flatten(value))


def _help(about: str, conf: Path, config_name: str) -> str:
    """What the program does, what can be chosen and what is chosen now. Hydra's own takes twice as long to make."""
    overrides = [word for word in sys.argv[1:] if "=" in word and not word.startswith("-")]
    with hydra.initialize_config_dir(str(conf), version_base="1.3"):
        config = OmegaConf.to_yaml(hydra.compose(config_name, overrides))
    _, groups = read_program(conf / f"{config_name}.yaml")
    lines = [about.strip(), *(["", "Groups, chosen as group=option:"] if groups else [])]
    lines += [f"  {group}: {', '.join(_options(conf / group))}" for group in sorted(groups)]
    return "\n".join([*lines, "", "Configuration, changed as key=value:", "", config, "More of Hydra: --hydra-help"])


def _options(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.yaml"))
